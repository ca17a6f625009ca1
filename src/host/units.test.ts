import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { expect, test } from "vitest";
import { units } from "./units.ts";

const options = {
  ...{ node: process.execPath, program: "/usr/lib/node_modules/sluice/dist/sluice.js" },
  ...{ user: "daemon", servicesUser: "nobody" }, // who exist wherever this runs
  ...{ stateFolder: "sluice", entryAddress: "0.0.0.0" },
  upArgs: ["--public", "https://sluice.example.com:7443", "--acme-email", "ops@example.com"],
};
const files = units(options);
const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;

test("the host's processes are left alone when the watchman ends, and are upgraded on reload", () => {
  const host = files.find(({ path }) => path.endsWith("sluice-host.service"))?.text ?? "";
  expect(host.split("\n").filter((line) => /^(Exec|KillMode|Delegate)/.test(line))).toEqual([
    `ExecStart=${process.execPath} /usr/lib/node_modules/sluice/dist/sluice.js --data /var/lib/sluice host run --entry-address 0.0.0.0 --user nobody`,
    `ExecReload=${process.execPath} /usr/lib/node_modules/sluice/dist/sluice.js --data /var/lib/sluice host upgrade`,
    "KillMode=process",
    "Delegate=cpu memory",
  ]);
});

test("the control plane's unit says how other machines reach it", () => {
  const control = files.find(({ path }) => path.endsWith("/sluice.service"))?.text;
  expect(control).toContain(" up --foreground --public https://sluice.example.com:7443 --acme-email ops@example.com\n");
});

test("only root starts containers: its units keep no right away from itself, and services their own user", () => {
  const [users, host] = units({ ...options, user: "root" }).map(({ text }) => text);
  expect(users).toBe('u nobody - "Services that Sluice runs"\n');
  expect(host).not.toMatch(/Capabilit|NoNewPrivileges|RestrictSUIDSGID/);
  expect(host).toContain("--user nobody");
});

test.skipIf(!hasSystemd).each(["daemon", "root"])(
  "systemd finds nothing wrong with the units of %s (skipped where there is no systemd-analyze)",
  (user) => {
    const folder = mkdtempSync(join(tmpdir(), "sluice-units-"));
    const files = units({ ...options, user });
    for (const { path, text } of files) {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const written = files.filter(({ path }) => path.endsWith(".service")).map(({ path }) => join(folder, path));
    const { stdout, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", ...written], { encoding: "utf8" });
    rmSync(folder, { recursive: true });
    // It also reads the machine's own units: only what it says of ours counts.
    const ours = `${stdout}${stderr}`
      .split("\n")
      .filter((line) => written.some((file) => line.includes(basename(file))));
    expect(ours).toEqual([]);
  },
);
