// `sluice login`, `logout`, `whoami`: which control plane on another machine this person drives, and as whom.
import { resolve } from "node:path";
import type { Command } from "commander";
import { addVerb, contextOf } from "../verb.ts";

interface LoginOptions {
  readonly tokenFile?: string;
  readonly allowHttp?: boolean;
}

export function loginVerb(program: Command): void {
  addVerb(program, {
    usage: "login <url>",
    summary: "sign in to a control plane on another machine; every verb then drives it where no `sluice up` was run",
    examples: [
      "sluice login https://sluice.example.com",
      "sluice login https://10.0.0.5:7443 --ca ./ca.pem --token-file ./token",
      "ssh vm sudo cat /var/lib/sluice/token | sluice login https://sluice.example.com",
    ],
    json: '{"server":"https://sluice.example.com","name":"ada"}',
  })
    .option("--token-file <file>", "where the token is; - is standard input (default: asked for, or standard input)")
    .option("--allow-http", "send the token unencrypted, on a network that is private by itself")
    .action(async (url: string, { tokenFile, allowHttp }: LoginOptions, command: Command) => {
      const { screen, cwd, ca } = contextOf(command);
      const { login } = await import("../login.ts");
      const file = tokenFile === undefined || tokenFile === "-" ? tokenFile : resolve(cwd, tokenFile);
      const done = await login({ url, tokenFile: file, caFile: ca, allowHttp: allowHttp === true });
      screen.answer(done);
      screen.say(`${screen.colors.green("✓")} Signed in to ${screen.colors.cyan(done.server)} as ${done.name}`);
    });
}

export function logoutVerb(program: Command): void {
  addVerb(program, {
    usage: "logout [url]",
    summary: "forget the token of a control plane (default: the one of the latest sign-in)",
    examples: ["sluice logout", "sluice logout https://sluice.example.com"],
    json: '{"server":"https://sluice.example.com","wasSignedIn":true}',
  }).action(async (url: string | undefined, _options: object, command: Command) => {
    const { screen, server: named } = contextOf(command);
    const { serverUrl } = await import("../control-address.ts");
    const { currentServer, forgetLogin } = await import("../logins.ts");
    const wanted = url ?? named;
    const server = wanted === undefined ? currentServer() : serverUrl(wanted);
    const wasSignedIn = server !== undefined && forgetLogin(server);
    screen.answer({ server, wasSignedIn });
    screen.say(wasSignedIn ? `${screen.colors.green("✓")} Signed out of ${server}` : "You were not signed in");
  });
}

export function whoamiVerb(program: Command): void {
  addVerb(program, {
    usage: "whoami",
    summary: "which control plane verbs drive from here, and as whom",
    examples: ["sluice whoami", "sluice whoami --server https://sluice.example.com"],
    json: '{"server":"https://sluice.example.com","name":"ada"}',
  }).action(async (_options: object, command: Command) => {
    const context = contextOf(command);
    const { findControlPlane, openApi } = await import("../api-client.ts");
    const api = openApi(await findControlPlane(context));
    const { name } = await api.ask("session");
    context.screen.answer({ server: api.url, name });
    context.screen.say(`${name} at ${api.url}`);
  });
}
