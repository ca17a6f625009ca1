// The supervisor holds the listening sockets but never accepts on them: bound here, listened on by the router, which
// shares the kernel's socket. While either process lives, the backlog keeps new connections.
import type { SendHandle } from "node:child_process";
import { closeSync } from "node:fs";
import { createRequire } from "node:module";
import { getSystemErrorName } from "node:util";
import { Problem } from "../domain/problem.ts";
import type { ListenerId, TwinMessage } from "./twin.ts";

export interface BoundListener {
  readonly fd: number;
  readonly port: number;
  /** For a router that already runs; a listener that was inherited is one that the router has. */
  readonly handle?: SendHandle;
  close(): void;
}

export interface HeldListeners {
  /** Opens it if it is not open on that port (0: any), and answers the port. */
  open(id: ListenerId, port: number): number;
  forget(id: ListenerId): void;
  descriptors(): Readonly<Record<ListenerId, number>>;
}

export interface HeldOptions {
  /** Ports that were promised before: they are opened at once, since replicas that run were told them. */
  readonly kept: Readonly<Record<ListenerId, number>>;
  readonly inherited: Readonly<Record<ListenerId, number>>;
  readonly addressOf: (id: ListenerId) => string;
  /** To the router that runs: it is to listen, or to forget. */
  readonly tell: (message: TwinMessage, handle?: SendHandle) => void;
  /** Others are held than before. */
  readonly onChange: () => void;
}

export function holdListeners({ kept, inherited, addressOf, tell, onChange }: HeldOptions): HeldListeners {
  const bind = (id: ListenerId, port: number) =>
    bindListener({
      host: addressOf(id),
      port,
      usedFor: id
        .replace("entry:", "the public port of ")
        .replace("service:", "service ")
        .replace("plain:http", "plain HTTP"),
    });
  const held = new Map<ListenerId, BoundListener>(
    Object.entries(kept).map(([id, port]) => {
      const fd = inherited[id];
      return [id, fd === undefined ? bind(id, port) : { fd, port, close: () => closeSync(fd) }];
    }),
  );
  const forget = (id: ListenerId) => {
    held.get(id)?.close();
    held.delete(id);
    tell({ kind: "forget", id });
    onChange();
  };
  return {
    open: (id, port) => {
      const present = held.get(id);
      if (present !== undefined && (port === 0 || present.port === port)) return present.port;
      const bound = bind(id, port);
      if (present !== undefined) forget(id);
      held.set(id, bound);
      if (bound.handle !== undefined) tell({ kind: "listener", id }, bound.handle);
      onChange();
      return bound.port;
    },
    forget,
    descriptors: () => Object.fromEntries([...held].map(([id, { fd }]) => [id, fd])),
  };
}

interface BoundHandle {
  readonly fd: number;
  getsockname(out: { port?: number }): number;
  close(): void;
}

/**
 * Binds without accepting. Node has no public call for this; its cluster module uses `net._createServerHandle` for the
 * same purpose, and it has been there since Node 0.10.
 */
export function bindListener(options: { host: string; port: number; usedFor: string }): BoundListener {
  const net: { _createServerHandle(host: string, port: number, family: 4 | 6): BoundHandle | number } = createRequire(
    import.meta.url,
  )("node:net");
  const handle = net._createServerHandle(options.host, options.port, options.host.includes(":") ? 6 : 4);
  if (typeof handle === "number") throw portProblem(options, handle);
  const name: { port?: number } = {};
  const failed = handle.getsockname(name); // libuv keeps EADDRINUSE back until here
  if (failed !== 0) {
    handle.close();
    throw portProblem(options, failed);
  }
  // The handle is what child.send() passes as "net.Native"; its type is not in @types/node.
  return {
    fd: handle.fd,
    port: name.port ?? options.port,
    handle: handle as unknown as SendHandle,
    close: () => handle.close(),
  };
}

function portProblem(asked: { host: string; port: number; usedFor: string }, errno: number): Problem {
  const code = getSystemErrorName(errno);
  const why =
    code === "EADDRINUSE" ? "another program listens on it" : code === "EACCES" ? "this user may not open it" : code;
  return new Problem(
    `port ${asked.port} on ${asked.host} cannot be used for ${asked.usedFor}: ${why}`,
    code === "EACCES"
      ? "Choose a port from 1024 on, or allow it with setcap or systemd"
      : "Stop that program or choose another port (0: any free one)",
  );
}
