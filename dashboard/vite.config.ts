import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// `npx vite dashboard` serves the page for work on it; the API is the one of a running `sluice up`.
const api = process.env.SLUICE_SERVER ?? "http://127.0.0.1:7070";

export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  plugins: [react()],
  // Written for React, run by Preact: the same components in a third of the bytes.
  resolve: {
    alias: [
      { find: /^react-dom(\/client)?$/, replacement: "preact/compat/client" },
      { find: /^react$/, replacement: "preact/compat" },
      { find: /^react\/jsx(-dev)?-runtime$/, replacement: "preact/jsx-runtime" },
    ],
  },
  build: { outDir: "../dist/dashboard", emptyOutDir: true, target: "es2022" },
  server: { proxy: { "/api": api, "/login": api } },
});
