import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// In development the gateway of `npm run dev`; where it is deployed, the router puts /api beside the page.
const proxy = { "/api": process.env.GATEWAY_URL ?? "http://127.0.0.1:4000" };

export default defineConfig({
  plugins: [react()],
  server: { proxy },
  preview: { proxy },
  build: { target: "es2022", modulePreload: { polyfill: false } },
});
