// The service that is soaked: small answers, uploads, large answers, event streams and WebSockets, with graceful shutdown.
// Each answer says which replica it is from, by its port. A share of the small ones fails when it is told so: a bad release.
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

const { PORT = "0", VERSION, ERROR_SHARE = "0" } = process.env;
const large = Buffer.alloc(512 * 1024, "x");
const server = createServer((request, response) => {
  response.setHeader("x-port", PORT);
  const answer = answers[request.url ?? ""] ?? answers["/"];
  answer?.(request, response);
});
const sockets = new Set<Duplex>();

const answers: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {
  "/": (_, response) => {
    if (Math.random() < Number(ERROR_SHARE)) response.statusCode = 500;
    response.end(VERSION);
  },
  "/health": (_, response) => void response.end("{}"),
  "/large": (_, response) => void response.end(large),
  "/upload": (request, response) => {
    let bytes = 0;
    request.on("data", (part: Buffer) => {
      bytes += part.length;
    });
    request.on("end", () => response.end(String(bytes)));
  },
  "/events": (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    let sent = 0;
    const timer = setInterval(() => {
      response.write(`data: ${++sent}\n\n`);
      if (sent === 20) response.end();
    }, 50);
    response.on("close", () => clearInterval(timer));
  },
};

/** Echoes short frames; enough of RFC 6455 for that. */
server.on("upgrade", (request, socket) => {
  const accept = createHash("sha1")
    .update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\nx-port: ${PORT}\r\n\r\n`,
  );
  sockets.add(socket);
  socket.on("close", () => sockets.delete(socket));
  socket.on("error", () => socket.destroy());
  let rest = Buffer.alloc(0);
  socket.on("data", (part: Buffer) => {
    rest = Buffer.concat([rest, part]);
    while (rest.length >= 6 && rest.length >= 6 + ((rest[1] ?? 0) & 127)) {
      const length = (rest[1] ?? 0) & 127;
      const mask = rest.subarray(2, 6);
      const text = Buffer.from(rest.subarray(6, 6 + length).map((byte, i) => byte ^ (mask[i % 4] ?? 0)));
      socket.write(Buffer.concat([Buffer.from([rest[0] ?? 0x81, length]), text]));
      if (((rest[0] ?? 0) & 15) === 8) socket.end();
      rest = rest.subarray(6 + length);
    }
  });
});
server.keepAliveTimeout = 75_000;
server.listen(Number(PORT), "127.0.0.1");
process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
  for (const socket of sockets) socket.end();
});
