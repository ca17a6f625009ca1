// Open-loop load: requests leave at their moments whether or not earlier ones were answered, so a stall shows as what it
// is. Every request is kept, to tell those in flight on a process that was killed on purpose from failures.
import { Agent, request } from "node:http";

export interface Sent {
  readonly startMs: number;
  readonly endMs: number;
  /** The answer's status; 0 when there was none. */
  readonly status: number;
  readonly body: string;
  readonly error?: string;
}

export interface LoadOptions {
  readonly url: string;
  readonly perSecond: number;
  readonly method?: "GET" | "POST";
  readonly body?: string;
  /** New connection for each request unless true. */
  readonly keepAlive?: boolean;
}

export interface Load {
  readonly url: string;
  readonly sent: readonly Sent[];
  /** Stops sending, waits for what is under way, answers all. */
  stop(): Promise<readonly Sent[]>;
}

const patienceMs = 30_000;

export function openLoop(options: LoadOptions): Load {
  const sent: Sent[] = [];
  const underWay = new Set<Promise<void>>();
  const agent = options.keepAlive ? new Agent({ keepAlive: true, maxSockets: 64, timeout: 4_000 }) : false;
  const begunMs = performance.now();
  let count = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - begunMs) * options.perSecond) / 1000);
    for (; count < due; count++) {
      const one = send(options, agent).then((result) => {
        sent.push(result);
        underWay.delete(one);
      });
      underWay.add(one);
    }
  }, 5);
  return {
    url: options.url,
    sent,
    stop: async () => {
      clearInterval(timer);
      await Promise.all(underWay);
      if (agent !== false) agent.destroy();
      return sent;
    },
  };
}

export function failed(sent: readonly Sent[]): readonly Sent[] {
  return sent.filter(({ status }) => status < 200 || status >= 400);
}

/** Failures that were not under way at one of these moments. */
export function unexplained(sent: readonly Sent[], killsMs: readonly number[]): readonly Sent[] {
  return failed(sent).filter(({ startMs, endMs }) => !killsMs.some((kill) => startMs <= kill && kill <= endMs));
}

function send({ url, method = "GET", body }: LoadOptions, agent: Agent | false): Promise<Sent> {
  const startMs = Date.now();
  return new Promise((done) => {
    const end = (status: number, text: string, error?: Error) =>
      done({
        startMs,
        endMs: Date.now(),
        status,
        body: text,
        ...(error === undefined ? {} : { error: error.message }),
      });
    const call = request(url, { method, agent, timeout: patienceMs }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => end(response.statusCode ?? 0, text));
      response.on("error", (error) => end(0, text, error));
    });
    call.on("timeout", () => call.destroy(new Error(`no answer within ${patienceMs} ms`)));
    call.on("error", (error) => end(0, "", error));
    call.end(body);
  });
}
