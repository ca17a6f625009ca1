// A WebSocket client of ten echoes. It says which replica it talked to when it is cut off, which browsers' own do not.
import { randomBytes } from "node:crypto";
import { request } from "node:http";
import type { Duplex } from "node:stream";
import { lost } from "./loss.ts";

const echoesWanted = 10;
/** "Service restart": how a drain ends it. The client comes back, so it is not lost. */
const serviceRestart = 1012;

export function chat(port: number): Promise<void> {
  return new Promise((done, fail) => {
    const call = request({
      host: "127.0.0.1",
      port,
      path: "/socket",
      agent: false,
      headers: {
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": randomBytes(16).toString("base64"),
      },
    });
    call.on("error", (error) => fail(lost(error.message)));
    call.on("response", (response) => {
      response.resume();
      fail(lost(`answered ${response.statusCode} to a WebSocket`, response.headers));
    });
    call.on("upgrade", ({ headers }, socket, head) =>
      talk(socket, head).then(done, (error: Error) => fail(lost(error.message, headers))),
    );
    call.end();
  });
}

/** `head`: what came behind the handshake at once, such as the close frame of a replica that already drains. */
function talk(socket: Duplex, head: Buffer): Promise<void> {
  return new Promise((done, fail) => {
    let echoes = 0;
    let rest = Buffer.alloc(0);
    const take = (opcode: number, payload: Buffer) => {
      if (opcode === 8) {
        const code = payload.length >= 2 ? payload.readUInt16BE() : 1005;
        socket.end(frame(8, payload));
        if (echoes >= echoesWanted || code === serviceRestart) done();
        else fail(new Error(`WebSocket closed with ${code} after ${echoes} echoes`));
        return;
      }
      echoes += 1;
      if (echoes === echoesWanted) socket.write(frame(8, Buffer.from([0x03, 0xe8])));
      else setTimeout(() => socket.writable && socket.write(frame(1, Buffer.from("hello"))), 50);
    };
    const read = (part: Buffer) => {
      rest = Buffer.concat([rest, part]);
      while (rest.length >= 2 && rest.length >= 2 + (rest[1] ?? 0)) {
        const end = 2 + (rest[1] ?? 0);
        take((rest[0] ?? 0) & 15, rest.subarray(2, end));
        rest = rest.subarray(end);
      }
    };
    socket.on("data", read);
    socket.on("error", (error) => fail(error));
    socket.on("close", () => fail(new Error(`WebSocket cut after ${echoes} echoes`))); // too late after a close frame
    read(head);
    socket.write(frame(1, Buffer.from("hello")));
  });
}

/** As clients must: masked. Payloads are shorter than 126 bytes. */
function frame(opcode: number, payload: Buffer): Buffer {
  const mask = randomBytes(4);
  const masked = payload.map((byte, i) => byte ^ (mask[i % 4] ?? 0));
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length]), mask, masked]);
}
