import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Config, parseConfig } from "../domain/config/config.ts";
import { parseEnvFile, secretValues } from "./env-file.ts";

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "sluice-env-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function config(environment: object): Config {
  const env = { KEY: { secret: "SESSION_KEY" } };
  const parsed = parseConfig({
    services: { api: { kind: "http", path: "api", build: { bundle: "main.ts" }, env } },
    environments: { production: environment },
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

test("lines are read as dotenv reads them", () => {
  const text = `# a comment
PLAIN=value # why
export EXPORTED = spaced value
SINGLE='as # it is'
DOUBLE="two\\nlines \\"quoted\\""
MANY="first
second"
EMPTY=
not a line
`;
  expect(parseEnvFile(text)).toEqual({
    PLAIN: "value",
    EXPORTED: "spaced value",
    SINGLE: "as # it is",
    DOUBLE: 'two\nlines "quoted"',
    MANY: "first\nsecond",
    EMPTY: "",
  });
});

test("only the secrets that services name are read, and nothing of the rest", async () => {
  writeFileSync(join(root, ".env"), "SESSION_KEY=s3cret\nOTHER=private\n");
  const order = { root, config: config({ secrets: { envFile: ".env" } }), environment: "production" };
  expect(await secretValues(order)).toEqual({ SESSION_KEY: "s3cret" });
});

test("a secret without a file, a line or a value is named, its value never", async () => {
  const from = (environment: object) => secretValues({ root, config: config(environment), environment: "production" });
  await expect(from({})).rejects.toThrow("production takes the secret SESSION_KEY from nowhere");
  await expect(from({ secrets: { envFile: ".env.none" } })).rejects.toThrow(".env.none is not there");
  writeFileSync(join(root, ".env.other"), "SESSION_KYE=s3cret\n");
  await expect(from({ secrets: { envFile: ".env.other" } })).rejects.toThrow(".env.other has no value for SESSION_KEY");
});
