// Signing in to a control plane on another machine: the token is tried before it is kept.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { text as allOf } from "node:stream/consumers";
import { Problem } from "../domain/problem.ts";
import { openApi } from "./api-client.ts";
import { authorityIn, refusePlainHttp, serverUrl } from "./control-address.ts";
import { keepLogin } from "./logins.ts";

export interface LoginWishes {
  readonly url: string;
  /** "-" is standard input. */
  readonly tokenFile?: string | undefined;
  readonly caFile?: string | undefined;
  readonly allowHttp: boolean;
}

export interface SignedIn {
  readonly server: string;
  readonly name: string;
}

export async function login({ url, tokenFile, caFile, allowHttp }: LoginWishes): Promise<SignedIn> {
  const server = serverUrl(url);
  refusePlainHttp(server, allowHttp);
  const ca = caFile === undefined ? {} : { ca: authorityIn(caFile) };
  const token = await tokenFrom(tokenFile, server);
  const { name } = await openApi({ url: server, token, ...ca }).ask("session");
  keepLogin(server, { token, ...ca, ...(allowHttp ? { allowHttp } : {}) });
  return { server, name };
}

async function tokenFrom(file: string | undefined, server: string): Promise<string> {
  const token = (await given(file, server)).trim();
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new Problem(
    token === "" ? "No token was given" : "What was given is not a token: it has spaces or other odd characters",
    "It is the one line in the file `token` of that control plane's data folder: sudo cat /var/lib/sluice/token",
  );
}

async function given(file: string | undefined, server: string): Promise<string> {
  if (file !== undefined && file !== "-") return readFileSync(file, "utf8");
  if (file === "-" || !process.stdin.isTTY) return allOf(process.stdin);
  return hidden(`Token of ${server} (there: sudo cat /var/lib/sluice/token): `);
}

/** Asked at the terminal, not shown. */
function hidden(question: string): Promise<string> {
  process.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  return new Promise((answer) => {
    lines.once("SIGINT", () => process.exit(130));
    lines.once("close", () => answer(""));
    lines.once("line", (line) => {
      answer(line);
      lines.close();
      process.stderr.write("\n");
    });
  });
}
