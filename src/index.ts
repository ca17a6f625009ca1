// What the package exports: all that a repository's sluice.config.ts needs.
export { defineConfig, type WrittenConfig } from "./domain/config/define.ts";
