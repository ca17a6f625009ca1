// Is a replica well? One question asked at a time by HTTP, TCP or a command, with the reason when the answer is no.
import { execFile } from "node:child_process";
import { request } from "node:http";
import { connect } from "node:net";
import type { Container, Probe } from "../api.ts";
import { insideOf } from "./container.ts";
import { asUser } from "./other-user.ts";

export type ProbeAnswer =
  | { readonly ok: true; readonly body?: string }
  | {
      readonly ok: false;
      readonly because: string;
      /** It did not even say no: nothing came within the time limit, or nobody listens. */
      readonly isSilent?: boolean;
      readonly body?: string;
    };

export interface ProbeTarget {
  readonly port: number;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly user?: string | undefined;
  readonly container?: Container;
  /** Folder of its run. */
  readonly run?: string | undefined;
}

/** Answers within the probe's timeout, never rejects. */
export function ask(probe: Probe, target: ProbeTarget): Promise<ProbeAnswer> {
  return askers[probe.kind](probe, target);
}

const askers: Record<Probe["kind"], (probe: Probe, target: ProbeTarget) => Promise<ProbeAnswer>> = {
  http: askHttp,
  tcp: askTcp,
  command: askCommand,
  running: async () => ({ ok: true }),
};

/** Health documents are small; what is longer is cut. */
const bodyCharsMax = 64 * 1024;

function askHttp(probe: Probe, target: ProbeTarget): Promise<ProbeAnswer> {
  const path = probe.path ?? "/";
  const no = (what: string) => ({ ok: false as const, because: `GET ${path} ${what}` });
  return new Promise((answer) => {
    const call = request(
      {
        host: "127.0.0.1",
        port: target.port,
        path,
        agent: false,
        headers: { host: `127.0.0.1:${target.port}`, "user-agent": "sluice-probe" },
      },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          if (body.length < bodyCharsMax) body += part;
        });
        response.on("error", (error) => answer(no(`broke off: ${error.message}`)));
        response.on("end", () => {
          const status = response.statusCode ?? 0;
          answer(status >= 200 && status < 400 ? { ok: true, body } : { ...no(`answered ${status}`), body });
        });
      },
    );
    const deadline = setTimeout(() => {
      answer({ ...no(`did not answer within ${probe.timeoutMs} ms`), isSilent: true });
      call.destroy();
    }, probe.timeoutMs);
    call.on("close", () => clearTimeout(deadline));
    call.on("error", (error) => answer({ ...no(`failed: ${plainly(error)}`), isSilent: true }));
    call.end();
  });
}

function askTcp(probe: Probe, target: ProbeTarget): Promise<ProbeAnswer> {
  return new Promise((answer) => {
    const socket = connect(target.port, "127.0.0.1");
    const done = (value: ProbeAnswer) => {
      clearTimeout(deadline);
      socket.destroy();
      answer(value);
    };
    const deadline = setTimeout(
      () =>
        done({ ok: false, because: `port ${target.port} did not accept within ${probe.timeoutMs} ms`, isSilent: true }),
      probe.timeoutMs,
    );
    socket.once("connect", () => done({ ok: true }));
    socket.once("error", (error) =>
      done({ ok: false, because: `port ${target.port}: ${plainly(error)}`, isSilent: true }),
    );
  });
}

function askCommand(probe: Probe, target: ProbeTarget): Promise<ProbeAnswer> {
  const { command: [name = ""] = [] } = probe;
  const { container, run, user } = target;
  const command = probe.command ?? [];
  const [program, ...args] = container && run ? insideOf(run, { container, command }) : asUser(user, command);
  if (program === undefined) return Promise.resolve({ ok: false, because: "the health command is empty" });
  const env = { PATH: process.env.PATH, ...target.env, PORT: String(target.port) };
  return new Promise((answer) => {
    execFile(
      program,
      args,
      { cwd: target.folder, env, timeout: probe.timeoutMs, killSignal: "SIGKILL" },
      (error, out, err) => {
        if (error === null) return answer({ ok: true, body: out });
        const how = error.killed ? `did not end within ${probe.timeoutMs} ms` : `exited with ${error.code}`;
        answer({
          ok: false,
          because: `health command "${name}" ${how}`,
          body: `${out}${err}`.slice(0, bodyCharsMax),
        });
      },
    );
  });
}

function plainly(error: Error): string {
  const code = "code" in error ? error.code : undefined;
  if (code === "ECONNREFUSED") return "nothing listens yet";
  if (code === "ECONNRESET") return "the connection was reset";
  return error.message;
}
