import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// `npx vite dashboard` serves the page for work on it; the API is the one of a running `sluice up`.
const api = process.env.SLUICE_SERVER ?? "http://127.0.0.1:7070";

export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  plugins: [react()],
  build: { outDir: "../dist/dashboard", emptyOutDir: true, target: "es2022" },
  server: { proxy: { "/api": api, "/login": api } },
});
