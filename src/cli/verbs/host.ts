// `sluice host`: the part of Sluice that runs services on a machine and routes to them, as a service of that machine.
import { dirname, resolve } from "node:path";
import type { Command } from "commander";
import { type PublicOptions, publicArgs, withPublicOptions } from "../public-options.ts";
import { addVerb, contextOf } from "../verb.ts";

export function hostVerb(program: Command): void {
  const host = program.command("host").summary("the host of this machine: run, install, upgrade, hand over");
  host.description(
    "The host runs services and routes to them; it goes on while the control plane is restarted or upgraded.",
  );
  runVerb(host);
  statusVerb(host);
  upgradeVerb(host);
  installVerb(host);
  claimVerb(host);
}

interface RunOptions {
  readonly entryAddress: string;
  readonly user?: string;
  readonly httpPort?: string;
}

function runVerb(host: Command): void {
  addVerb(host, {
    usage: "run",
    summary: "keep the host running from this terminal or from systemd; SIGTERM drains and stops all services",
    examples: ["sluice host run", "sluice host run --entry-address 0.0.0.0"],
  })
    .option("--entry-address <address>", "address of the environments' public ports", "127.0.0.1")
    .option("--http-port <port>", "plain HTTP beside HTTPS: answers ACME's challenges, sends all else on")
    .option("--user <user>", "system user of services that name none; needs root, or the unit of sluice host install")
    .action(async ({ entryAddress, user, httpPort }: RunOptions, command: Command) => {
      const { data, screen } = contextOf(command);
      const stopping = new AbortController();
      for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stopping.abort());
      const { keepHost } = await import("../../compose/control.ts");
      await keepHost({
        dataFolder: data,
        entryAddress,
        ...(user === undefined ? {} : { user }),
        ...(httpPort === undefined ? {} : { httpPort: Number(httpPort) }),
        signal: stopping.signal,
        say: (line) => screen.say(line),
      });
    });
}

function statusVerb(host: Command): void {
  addVerb(host, {
    usage: "status",
    summary: "the host's processes and what it serves",
    examples: ["sluice host status --json"],
    json: '{"pid":4711,"version":"0.1.0","router":{"pid":4712,"answers":true},"keeper":4713,"services":["production/web"],"adopted":0}',
  })
    .option("--wait <seconds>", "so long for one that is being started")
    .action(async ({ wait }: { wait?: string }, command: Command) => {
      const { data, screen } = contextOf(command);
      const { hostHealth } = await import("../../compose/control.ts");
      const health = await hostHealth(data, { waitMs: 1000 * Number(wait ?? 0) });
      screen.answer(health);
      screen.say(
        `Sluice host ${health.version}, supervisor ${health.pid}, router ${health.router.pid ?? "being restarted"}, keeper ${health.keeper ?? "being restarted"}`,
        ...health.services.map((service) => `  ${service}`),
      );
    });
}

function upgradeVerb(host: Command): void {
  addVerb(host, {
    usage: "upgrade",
    summary: "replace the host's processes by those of this installation, without a refused connection",
    examples: ["npm install -g sluice@latest && sluice host upgrade"],
    json: '{"from":"0.1.0","to":"0.2.0"}',
  }).action(async (_: unknown, command: Command) => {
    const { data, screen } = contextOf(command);
    const { upgradeHost } = await import("../../compose/control.ts");
    const done = await upgradeHost(data);
    screen.answer(done);
    screen.say(`${screen.colors.green("✓")} The host was upgraded from ${done.from} to ${done.to}`);
  });
}

interface InstallOptions extends PublicOptions {
  readonly folder: string;
  readonly copyTo: string;
  readonly containers?: boolean;
}

function installVerb(host: Command): void {
  const verb = addVerb(host, {
    usage: "install",
    summary: "write systemd units with a user of their own for the host and the control plane",
    examples: [
      "sudo npx sluice host install --public https://sluice.example.com:7443 --acme-email ops@example.com",
      "sluice host install --folder ./etc",
    ],
    json: '{"program":"/usr/local/lib/sluice/node_modules/sluice/dist/sluice.cjs","files":["/etc/systemd/system/sluice-host.service"],"commands":["systemctl daemon-reload"]}',
  })
    .option("--folder <folder>", "where systemd's configuration is", "/etc")
    .option("--copy-to <folder>", "where sluice is copied to when it lies in a home folder", "/usr/local/lib/sluice")
    .option(
      "--containers",
      "run both as root, as services that are images need; services still have users of their own",
    );
  withPublicOptions(verb).action(async (options: InstallOptions, command: Command) => {
    const { screen, cwd, data } = contextOf(command);
    const { folder, copyTo, containers = false } = options;
    const { acmeOf, doorOf } = await import("../public-address.ts");
    doorOf(options, { cwd, data, acme: acmeOf(options) }); // what is wrong with them is said now
    const { installHost } = await import("../../compose/control.ts");
    const called = resolve(process.argv[1] ?? "");
    const installed = installHost({
      folder: resolve(cwd, folder),
      program: called,
      copyTo: resolve(cwd, copyTo),
      upArgs: publicArgs(options, (file) => resolve(cwd, file)),
      containers,
    });
    screen.answer(installed);
    if (installed.program !== called)
      screen.say(`${screen.colors.green("✓")} ${copyTo}, a copy: the units' users may not enter ${dirname(called)}`);
    screen.say(
      ...installed.files.map((file) => `${screen.colors.green("✓")} ${file}`),
      "To start both, now and at every boot:",
      ...installed.commands.map((line) => `  sudo ${line}`),
    );
  });
}

function claimVerb(host: Command): void {
  addVerb(host, {
    usage: "claim <journal>",
    summary: "hand the host over to the control plane with this journal; what runs stays",
    examples: ["sluice host claim 7c9e6679-7425-40de-944b-e07fc1f90ae7"],
    json: '{"journal":"7c9e6679-7425-40de-944b-e07fc1f90ae7"}',
  }).action(async (journal: string, _: unknown, command: Command) => {
    const { data, screen } = contextOf(command);
    const { claimHost } = await import("../../compose/control.ts");
    await claimHost(data, journal);
    screen.answer({ journal });
    screen.say(`${screen.colors.green("✓")} The host obeys journal ${journal}`);
  });
}
