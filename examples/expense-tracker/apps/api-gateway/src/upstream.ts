// One service behind the gateway: forwards requests to it over kept-alive connections, and asks how it is.
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { Finding } from "@tally/http/health";
import type { Log } from "@tally/http/log";
import { Refusal } from "@tally/http/refusal";

export type Exchange = Readonly<{ incoming: IncomingMessage; outgoing: ServerResponse; path: string }>;
export type Upstream = Readonly<{
  forward: (exchange: Exchange) => Promise<void>;
  check: () => Promise<Finding>;
  close: () => void;
}>;

// Shorter than any server keeps a connection, so that none is used just as the other side closes it.
const idleTimeoutMs = 2_000;
const hopByHop = ["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];

export function createUpstream(
  options: Readonly<{ name: string; url: string; timeoutMs: number; log: Log }>,
): Upstream {
  const { name, url, timeoutMs, log } = options;
  const agent = new Agent({ keepAlive: true, scheduling: "lifo" });
  agent.on("free", (socket) => socket.setTimeout(idleTimeoutMs));

  /** Never sends a request twice: whether that is safe, the router between here and the service knows better. */
  function send(exchange: Exchange): Promise<IncomingMessage> {
    const { incoming, outgoing, path } = exchange;
    return new Promise((resolve, reject) => {
      const { method } = incoming;
      const target = new URL(path, url);
      const headers = { ...without(incoming.headers, hopByHop), host: target.host };
      const asked = request(target, { method, headers, agent, timeout: timeoutMs }, resolve);
      asked.on("timeout", () => asked.destroy(new Refusal(504, "upstream_timeout", `${name} did not answer in time`)));
      asked.on("error", reject);
      outgoing.once("close", () => outgoing.writableFinished || asked.destroy());
      incoming.pipe(asked);
    });
  }

  return {
    async forward(exchange) {
      const { outgoing, incoming } = exchange;
      const answer = await send(exchange).catch((error: unknown) => {
        log("error", "a service could not be asked", { requestId: incoming.headers["x-request-id"], name, error });
        throw error instanceof Refusal ? error : new Refusal(502, "upstream_lost", `${name} could not be reached`);
      });
      outgoing.writeHead(answer.statusCode ?? 502, without(answer.headers, hopByHop));
      await new Promise<void>((resolve) => {
        answer.once("error", () => outgoing.destroy()); // an answer cut short must not look like a whole one
        outgoing.once("close", resolve);
        answer.pipe(outgoing);
      });
    },

    /** Degraded, not unhealthy: the gateway can still serve what the other services answer. */
    async check() {
      try {
        const answer = await fetch(new URL("/health", url), { signal: AbortSignal.timeout(1_000) });
        await answer.body?.cancel();
        return answer.ok ? { status: "healthy" } : { status: "degraded", detail: `answers ${answer.status}` };
      } catch {
        return { status: "degraded", detail: `${name} cannot be reached` };
      }
    },

    close: () => agent.destroy(),
  };
}

function without(headers: IncomingHttpHeaders, names: readonly string[]): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));
}
