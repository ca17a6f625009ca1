// The load and the replica behind the proxies, in one process and one event loop, so that they never fight for the core.
// Told over IPC what to do; answers with what it measured.
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export type Task =
  /** Until so many requests are answered, or the time is over. */
  | {
      readonly kind: "closed";
      readonly port: number;
      readonly connections: number;
      readonly requests: number;
      readonly msMax: number;
    }
  | {
      readonly kind: "open";
      readonly port: number;
      readonly connections: number;
      readonly ms: number;
      readonly perSecond: number;
    }
  | { readonly kind: "idle"; readonly port: number; readonly connections: number }
  | { readonly kind: "release" };

export interface Measured {
  readonly requests: number;
  readonly failed: number;
  readonly ms: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

const body = `${JSON.stringify({ id: 4711, name: "a small answer of a real service", items: [1, 2, 3, 5, 8, 13], total: 129.95 }).padEnd(119)}\n`;
const answer = Buffer.from(
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Mon, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: ${body.length}\r\nConnection: keep-alive\r\n\r\n${body}`,
);
const question = Buffer.from(
  "GET /api/orders/4711?page=2 HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: bench/1.0\r\nAccept: application/json\r\nAccept-Encoding: gzip, deflate\r\nCookie: session=0123456789abcdef\r\n\r\n",
);
const end = [13, 10, 13, 10];

const replica = createServer({ noDelay: true }, (socket) => {
  socket.on("data", (bytes: Buffer) => {
    if (end.every((byte, i) => bytes[bytes.length - 4 + i] === byte)) socket.write(answer);
  });
  socket.on("error", () => socket.destroy());
});
replica.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 }, () =>
  process.send?.({ port: (replica.address() as AddressInfo).port }),
);

let held: Socket[] = [];
process.on("message", async (task: Task) => {
  if (task.kind === "closed") process.send?.(await closedLoop(task));
  else if (task.kind === "open") process.send?.(await openLoop(task));
  else if (task.kind === "idle") process.send?.(await idle(task));
  else {
    for (const socket of held) socket.destroy();
    held = [];
    process.send?.({});
  }
});
process.on("disconnect", () => process.exit());

/** A connection that says when its answer is whole. */
function open(port: number, onAnswer: (ok: boolean) => void): Promise<Socket> {
  return new Promise((resolve, reject) => {
    let isNew = true;
    const socket = connect({ port, host: "127.0.0.1", noDelay: true }, () => resolve(socket));
    socket.on("data", (bytes: Buffer) => {
      const isOk = !isNew || bytes[9] === 50;
      isNew = bytes[bytes.length - 1] === 10;
      if (isNew) onAnswer(isOk);
    });
    socket.on("error", (error) => {
      reject(error);
      onAnswer(false);
    });
    socket.on("close", () => onAnswer(false));
  });
}

/** Each connection sends its next request when it has its answer: how much goes through. */
async function closedLoop(o: Task & { kind: "closed" }): Promise<Measured> {
  let [requests, failed, sent] = [0, 0, 0];
  let finish = (): void => {};
  const isOver = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const sockets: Socket[] = [];
  const next = (socket: Socket): void => {
    if (sent++ < o.requests) socket.write(question);
  };
  for (let i = 0; i < o.connections; i++) {
    const socket: Socket = await open(o.port, (ok) => {
      if (ok) requests++;
      else failed++;
      if (requests + failed >= o.requests) finish();
      else next(socket);
    });
    sockets.push(socket);
  }
  const startedAt = performance.now();
  for (const socket of sockets) next(socket);
  const timer = setTimeout(finish, o.msMax);
  await isOver;
  clearTimeout(timer);
  const measured = { requests, failed, ms: performance.now() - startedAt, p50Ms: 0, p99Ms: 0, p999Ms: 0 };
  for (const socket of sockets) socket.destroy();
  return measured;
}

/** Requests fall due at fixed moments whatever the answers do; latency counts from the moment due. */
async function openLoop(o: Task & { kind: "open" }): Promise<Measured> {
  const free: number[] = [];
  const dueMs = new Float64Array(o.connections);
  const latencies: number[] = [];
  let [failed, isOver] = [0, false];
  const sockets = await Promise.all(
    Array.from({ length: o.connections }, (_, i) =>
      open(o.port, (ok) => {
        if (isOver) return;
        if (ok) latencies.push(performance.now() - (dueMs[i] ?? 0));
        else failed++;
        free.push(i);
      }),
    ),
  );
  for (let i = 0; i < o.connections; i++) free.push(i);
  const startedAt = performance.now();
  const total = Math.floor((o.perSecond * o.ms) / 1_000);
  const gapMs = 1_000 / o.perSecond;
  let sent = 0;
  await new Promise<void>((resolve) => {
    const step = (): void => {
      const now = performance.now();
      while (sent < total && startedAt + sent * gapMs <= now && free.length > 0) {
        const i = free.pop() ?? 0;
        dueMs[i] = startedAt + sent++ * gapMs;
        sockets[i]?.write(question);
      }
      if ((sent >= total && free.length === o.connections) || now > startedAt + o.ms * 2) resolve();
      else setImmediate(step);
    };
    step();
  });
  isOver = true;
  for (const socket of sockets) socket.destroy();
  const sorted = Float64Array.from(latencies.slice(Math.floor(latencies.length / 5))).sort();
  const at = (q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
  return { requests: latencies.length, failed, ms: o.ms, p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999) };
}

/** Opens connections, each used once, and keeps them. */
async function idle(o: Task & { kind: "idle" }): Promise<Measured> {
  let [requests, failed] = [0, 0];
  for (let i = 0; i < o.connections; i += 100) {
    await Promise.all(
      Array.from(
        { length: 100 },
        () =>
          new Promise<void>((resolve) => {
            let isDone = false;
            open(o.port, (ok) => {
              if (isDone) return;
              isDone = true;
              if (ok) requests++;
              else failed++;
              resolve();
            }).then(
              (socket) => {
                held.push(socket);
                socket.write(question);
              },
              () => resolve(),
            );
          }),
      ),
    );
  }
  return { requests, failed, ms: 0, p50Ms: 0, p99Ms: 0, p999Ms: 0 };
}
