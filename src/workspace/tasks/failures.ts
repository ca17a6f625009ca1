// Which keys have failed: a task that then succeeds with the very same inputs is flaky, also in another run.
import { join } from "node:path";
import { readSealedJson, stateFolder, writeSealed } from "../cache/sealed-file.ts";

const form = "failures 1";
const keptMax = 500;

export type Failures = Readonly<{
  has: (key: string) => boolean;
  add: (key: string) => void;
  forget: (key: string) => void;
}>;

export function openFailures(root: string): Failures {
  const file = join(stateFolder(root), "outputs", "failures");
  const known = () => readSealedJson<readonly string[]>(file, form) ?? [];
  return {
    has: (key) => known().includes(key),
    add: (key) => void writeSealed(file, form, JSON.stringify([...new Set([...known(), key])].slice(-keptMax))),
    forget: (key) => void writeSealed(file, form, JSON.stringify(known().filter((one) => one !== key))),
  };
}
