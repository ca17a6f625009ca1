// The module that a repository's sluice.config.ts imports as "sluice".
import type { WrittenConfig } from "./written.ts";

/** Gives the editor the configuration's types; `sluice` checks the whole when it reads the file. */
export function defineConfig(config: Pick<WrittenConfig, "pipeline">): Pick<WrittenConfig, "pipeline">;
export function defineConfig(config: WrittenConfig): WrittenConfig;
export function defineConfig<T>(config: T): T {
  return config;
}
