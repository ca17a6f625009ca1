// What the package exports: all that a repository's sluice.config.ts needs.
export { defineConfig } from "./domain/config/define.ts";
export type { WrittenConfig } from "./domain/config/written.ts";
