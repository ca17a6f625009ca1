// `sluice up` and `sluice down`: the control plane and the host of this data folder, in the background.
import type { Command } from "commander";
import { type PublicOptions, withPublicOptions } from "../public-options.ts";
import { addVerb, contextOf } from "../verb.ts";

interface UpOptions extends PublicOptions {
  readonly port?: string;
  readonly open?: boolean;
  readonly foreground?: boolean;
  readonly runner?: boolean;
}

export function upVerb(program: Command): void {
  const verb = addVerb(program, {
    usage: "up",
    summary: "start the control plane and the host of this machine; they go on when the terminal is closed",
    examples: [
      "sluice up",
      "sluice up --open",
      "sluice up --foreground --port 7070",
      "sluice up --public https://sluice.example.com:7443 --tls-cert chain.pem --tls-key key.pem",
      "sluice up --public https://sluice.example.com:7443 --acme-email ops@example.com",
    ],
    json: '{"url":"http://127.0.0.1:7070","pid":4711,"wasRunning":false}',
  })
    .option("--port <port>", "port of the API and the page (default: the one of last time, 7070, or any that is free)")
    .option("--open", "open the page in a browser")
    .option("--foreground", "stay in this terminal, until Ctrl-C")
    .option("--no-runner", "leave builds to runners elsewhere: none beside it, though there are repositories to build");
  withPublicOptions(verb).action(async (options: UpOptions, command: Command) => {
    const { port, open, foreground } = options;
    const context = contextOf(command);
    const { screen } = context;
    const { startControl, runControl } = await import("../control-process.ts");
    const { acmeOf, doorOf, httpPortOf } = await import("../public-address.ts");
    const acme = acmeOf(options);
    const wishes = { port, door: doorOf(options, { ...context, acme }), acme, httpPort: httpPortOf(options) };
    if (foreground === true) return await runControl(context, wishes);
    const started = await startControl(context, wishes);
    const { startLocalRunner } = await import("../local-runner.ts");
    if (options.runner !== false) await startLocalRunner(context);
    const { awaitCertificates } = await import("../await-certificates.ts");
    const certificates = acme === undefined ? [] : await awaitCertificates(context, acme.domains);
    screen.answer(started);
    const { green, bold, cyan } = screen.colors;
    screen.say(
      `${green("✓")} The control plane ${started.wasRunning ? "runs already" : "is up"} at ${cyan(started.url)}`,
    );
    screen.say(...certificates);
    if (started.publicUrl !== undefined) screen.say(`  From elsewhere: ${bold(`sluice login ${started.publicUrl}`)}`);
    if (screen.isJson) return;
    const { signInAddress, openBrowser } = await import("../sign-in.ts");
    const { localControlPlane } = await import("../control-address.ts");
    const address = await signInAddress(localControlPlane(context.data));
    screen.say(`  The page, for five minutes, once: ${address}`, `  Next: ${bold("npx sluice deploy local")}`);
    if (open === true) openBrowser(address);
  });
}

export function downVerb(program: Command): void {
  addVerb(program, {
    usage: "down",
    summary: "stop the control plane; with the services that it deployed, unless --keep-services",
    examples: ["sluice down", "sluice down --keep-services"],
    json: '{"stopped":["control plane","host","PostgreSQL"]}',
  })
    .option("--keep-services", "leave the host and what it serves running")
    .action(async ({ keepServices }: { keepServices?: boolean }, command: Command) => {
      const context = contextOf(command);
      const { stopMachine } = await import("../../compose/control.ts");
      const stopped = await stopMachine(context.data, { keepServices: keepServices === true });
      context.screen.answer({ stopped });
      context.screen.say(
        stopped.length === 0
          ? "Nothing was running"
          : `${context.screen.colors.green("✓")} Stopped: ${stopped.join(", ")}`,
      );
    });
}

export function openVerb(program: Command): void {
  addVerb(program, {
    usage: "open",
    summary: "sign a browser in to the page, by an address that works once",
    examples: ["sluice open", "sluice open --print"],
    json: '{"address":"http://127.0.0.1:7070/login?code=…"}',
  })
    .option("--print", "only print the address")
    .action(async ({ print }: { print?: boolean }, command: Command) => {
      const context = contextOf(command);
      const { signInAddress, openBrowser } = await import("../sign-in.ts");
      const { findControlPlane } = await import("../control-address.ts");
      const address = await signInAddress(await findControlPlane(context));
      context.screen.say(address);
      context.screen.answer({ address });
      if (print !== true && context.screen.isTerminal) openBrowser(address);
    });
}
