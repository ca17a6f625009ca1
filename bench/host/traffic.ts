// Open-loop traffic of every kind that a router can get wrong. Each request ends as done, or as lost with the moments
// between which it was under way: so that what was in flight on a process killed on purpose is told apart.
import { Agent, type ClientRequest, type IncomingMessage, request } from "node:http";
import { WebSocket } from "undici";

export type Kind =
  | "new connection"
  | "kept connection"
  | "upload"
  | "chunked upload"
  | "slow reader"
  | "events"
  | "WebSocket";

export interface Loss {
  readonly kind: Kind;
  readonly startMs: number;
  readonly endMs: number;
  readonly because: string;
}

export interface Traffic {
  readonly counts: Readonly<Record<Kind, number>>;
  readonly losses: readonly Loss[];
  sent(): number;
  stop(): Promise<void>;
}

type Send = (port: number) => Promise<void>;

/** Of 100 requests. */
const mix: Readonly<Record<Kind, number>> = {
  "new connection": 40,
  "kept connection": 46,
  upload: 6,
  "chunked upload": 4,
  "slow reader": 2,
  events: 1,
  WebSocket: 1,
};
const bodyBytes = 64 * 1024;
const patienceMs = 30_000;
const agent = new Agent({ keepAlive: true, maxSockets: 100, timeout: 3_000 });

export function startTraffic({ port, perSecond }: { port: number; perSecond: number }): Traffic {
  const counts = Object.fromEntries(Object.keys(mix).map((kind) => [kind, 0])) as Record<Kind, number>;
  const losses: Loss[] = [];
  const underWay = new Set<Promise<void>>();
  const deck = (Object.keys(mix) as Kind[]).flatMap((kind) => Array<Kind>(mix[kind]).fill(kind));
  const begunMs = performance.now();
  let count = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - begunMs) * perSecond) / 1000);
    for (; count < due; count++) {
      const kind = deck[(count * 37) % deck.length] ?? "new connection"; // 37 and 100 have no common factor: every card once
      const startMs = Date.now();
      counts[kind] += 1;
      const one: Promise<void> = sends[kind](port)
        .catch((error: Error) => void losses.push({ kind, startMs, endMs: Date.now(), because: error.message }))
        .finally(() => underWay.delete(one));
      underWay.add(one);
    }
  }, 4);
  return {
    counts,
    losses,
    sent: () => count,
    stop: async () => {
      clearInterval(timer);
      await Promise.all(underWay);
    },
  };
}

const sends: Readonly<Record<Kind, Send>> = {
  "new connection": async (port) => expectStatus(await ask({ port, path: "/", agent: false })),
  // A kept connection may close just as it is used again; like every browser we ask such a request, which has no effect, again.
  "kept connection": async (port) => {
    const first = await ask({ port, path: "/", agent }).catch((error: Error & { reused?: boolean }) => {
      if (error.reused) return undefined;
      throw error;
    });
    expectStatus(first ?? (await ask({ port, path: "/", agent: false })));
  },
  upload: async (port) => expectEcho(await ask({ port, path: "/upload", agent: false, bytes: bodyBytes })),
  "chunked upload": async (port) =>
    expectEcho(await ask({ port, path: "/upload", agent: false, bytes: bodyBytes, isChunked: true })),
  "slow reader": async (port) => {
    const answer = await ask({ port, path: "/large", agent: false, isSlow: true });
    if (answer.bytes !== 512 * 1024) throw new Error(`${answer.bytes} bytes of 524288`);
  },
  events: async (port) => {
    const answer = await ask({ port, path: "/events", agent: false });
    expectStatus(answer);
    if (!answer.text.startsWith("data: 1\n")) throw new Error("no event came"); // a drain may end the stream early
  },
  WebSocket: chat,
};

interface Ask {
  readonly port: number;
  readonly path: string;
  readonly agent: Agent | false;
  readonly bytes?: number;
  readonly isChunked?: boolean;
  readonly isSlow?: boolean;
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly bytes: number;
}

function ask({ port, path, agent: through, bytes, isChunked, isSlow }: Ask): Promise<Answer> {
  return new Promise((done, lost) => {
    const method = bytes === undefined ? "GET" : "POST";
    const headers = bytes === undefined || isChunked ? {} : { "content-length": bytes };
    const call = request({ host: "127.0.0.1", port, path, method, agent: through, headers }, (response) => {
      read(response, isSlow === true).then((answer) => done({ status: response.statusCode ?? 0, ...answer }), lost);
    });
    const deadline = setTimeout(() => call.destroy(new Error(`no answer within ${patienceMs} ms`)), patienceMs);
    call.on("close", () => clearTimeout(deadline));
    call.on("error", (error) => lost(Object.assign(error, { reused: call.reusedSocket })));
    upload(call, bytes ?? 0);
  });
}

/** In four parts, so that it is under way for a while. */
function upload(call: ClientRequest, bytes: number, part = 0): void {
  if (bytes === 0 || part === 4) {
    call.end();
    return;
  }
  call.write(Buffer.alloc(bytes / 4, "u"));
  setTimeout(() => upload(call, bytes, part + 1), 10);
}

async function read(response: IncomingMessage, isSlow: boolean): Promise<{ text: string; bytes: number }> {
  let [text, bytes] = ["", 0];
  for await (const part of response) {
    bytes += part.length;
    if (text.length < 1_000) text += part;
    if (isSlow) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  if (!response.complete) throw new Error("the answer broke off");
  return { text, bytes };
}

/** Ten echoes. A close with 1012 (service restart) is how a drain ends it: the client comes back, so it is not lost. */
function chat(port: number): Promise<void> {
  return new Promise((done, lost) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/socket`);
    let echoes = 0;
    socket.addEventListener("open", () => socket.send("hello"));
    socket.addEventListener("message", () => {
      echoes += 1;
      if (echoes === 10) socket.close(1000);
      else setTimeout(() => socket.readyState === WebSocket.OPEN && socket.send("hello"), 50);
    });
    socket.addEventListener("close", ({ code }) => {
      if (echoes >= 10 || code === 1012) done();
      else lost(new Error(`WebSocket closed with ${code} after ${echoes} echoes`));
    });
  });
}

function expectStatus({ status, text }: Answer): void {
  if (status !== 200) throw new Error(`answered ${status}: ${text.slice(0, 80)}`);
}

function expectEcho(answer: Answer): void {
  expectStatus(answer);
  if (answer.text !== String(bodyBytes)) throw new Error(`${answer.text} of ${bodyBytes} bytes arrived`);
}
