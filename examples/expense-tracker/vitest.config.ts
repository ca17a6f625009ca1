import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: "unit", include: ["{apps,libs}/*/src/**/*.test.ts"] } },
      { extends: true, test: { name: "integration", include: ["test/*.integration.ts"] } },
      { extends: true, test: { name: "e2e", include: ["test/*.e2e.ts"] } },
    ],
  },
});
