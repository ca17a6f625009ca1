// One request to a control plane over HTTP or HTTPS, its certificate checked against the authority that was named.
// Not `fetch`: on Node 20 it can be given no certificate authority of one's own. Redirects are never followed, so a token
// goes nowhere but to the address that it was meant for.
import { Agent as HttpAgent, type IncomingMessage, request as overHttp } from "node:http";
import { Agent as HttpsAgent, request as overHttps } from "node:https";
import { rootCertificates } from "node:tls";
import { Lost } from "./exit.ts";

interface Sent {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
}

export interface Reply {
  readonly status: number;
  readonly ok: boolean;
  readonly headers: IncomingMessage["headers"];
  /** Breaks off with `Lost` when the connection does. */
  readonly body: AsyncIterable<Uint8Array>;
  text(): Promise<string>;
}

/** Rejects with the system's own error when there is no answer. */
export type Transport = (to: URL, sent: Sent) => Promise<Reply>;

// Node's servers close a connection that was idle for 5 s: ours goes before, so that no request meets a closing one.
const idleMs = 3_000;

/** `ca`: a certificate authority as PEM, beside those that Node knows. */
export function openTransport({ ca }: { ca?: string | undefined }): Transport {
  const settings = { keepAlive: true, timeout: idleMs };
  const plain = new HttpAgent(settings);
  const secure = new HttpsAgent({ ...settings, ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }) });
  return (to, { method, headers, body, signal }) =>
    new Promise((replied, failed) => {
      const [begin, agent] = to.protocol === "https:" ? [overHttps, secure] : [overHttp, plain];
      const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
      const options = {
        method,
        agent,
        headers: { ...headers, ...length },
        ...(signal === undefined ? {} : { signal }),
      };
      const request = begin(to, options, (message) => replied(replyOf(message)));
      request.once("error", failed);
      request.end(body);
    });
}

function replyOf(message: IncomingMessage): Reply {
  const status = message.statusCode ?? 0;
  const body = bodyOf(message);
  const text = async () => {
    const parts: Uint8Array[] = [];
    for await (const part of body) parts.push(part);
    return Buffer.concat(parts).toString("utf8");
  };
  return { status, ok: status >= 200 && status < 300, headers: message.headers, body, text };
}

async function* bodyOf(message: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    for await (const part of message) yield part;
  } catch (error) {
    throw new Lost(error);
  }
}
