// Malformed answers of a replica, each with what the client must get: a 502 of the router's, the answer, or a cut
// connection where half of it is out already. Never a second answer that nobody asked for.

export interface HostileAnswer {
  readonly name: string;
  readonly bytes: string;
  readonly must: 502 | "cut" | { readonly status: number; readonly body: string };
  /** The replica leaves the connection open: the end has to be known from the bytes. */
  readonly staysOpen?: boolean;
  readonly method?: string;
}

const ok = (fields: string, body = ""): string => `HTTP/1.1 200 OK\r\n${fields}\r\n${body}`;
const second = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned";
const all = (must: 502 | "cut", cases: Readonly<Record<string, string>>): readonly HostileAnswer[] =>
  Object.entries(cases).map(([name, bytes]) => ({ name, bytes, must }));

export const hostileAnswers: readonly HostileAnswer[] = [
  ...all(502, {
    "nothing at all": "",
    "half a status line": "HTTP/1.1 20",
    "half a head": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
    "not HTTP": "SSH-2.0-OpenSSH_9.2\r\n",
    "a body without a head (HTTP/0.9)": "<html>hello</html>",
    "HTTP/2.0": "HTTP/2.0 200 OK\r\n\r\n",
    "lower-case version": "http/1.1 200 OK\r\n\r\n",
    "version of two digits": "HTTP/1.11 200 OK\r\n\r\n",
    "two spaces before the status": "HTTP/1.1  200 OK\r\n\r\n",
    "status of two digits": "HTTP/1.1 20 OK\r\nX: y\r\n\r\n",
    "status of four digits": "HTTP/1.1 2000 OK\r\n\r\n",
    "status 000": "HTTP/1.1 000 OK\r\n\r\n",
    "status 600": "HTTP/1.1 600 OK\r\n\r\n",
    "status with a sign": "HTTP/1.1 +20 OK\r\n\r\n",
    "status of letters": "HTTP/1.1 abc OK\r\n\r\n",
    "control byte in the reason": "HTTP/1.1 200 O\x01K\r\n\r\n",
    "bare LF after the status line": "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
    "bare CR in the reason": "HTTP/1.1 200 O\rK\r\n\r\n",
    "bare LF after a field": "HTTP/1.1 200 OK\r\nContent-Length: 0\n\r\n",
    "bare CR in a value": ok("X: a\rSet-Cookie: b=c\r\n"),
    "folded line": ok("X: a\r\n b\r\nContent-Length: 0\r\n"),
    "space before a colon": ok("Content-Length : 5\r\n", "hello"),
    "space before the first field": "HTTP/1.1 200 OK\r\n X: y\r\nContent-Length: 0\r\n\r\n",
    "empty name": ok(": y\r\nContent-Length: 0\r\n"),
    "NUL in a value": ok("X: \x00\r\nContent-Length: 0\r\n"),
    "non-ASCII in a name": ok("X\xe9: y\r\nContent-Length: 0\r\n"),
    "Content-Length and Transfer-Encoding": ok(
      "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
      "5\r\nhello\r\n0\r\n\r\n",
    ),
    "two Content-Length that differ": ok("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"),
    "two Content-Length that agree": ok("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"),
    "Content-Length as a list": ok("Content-Length: 5, 5\r\n", "hello"),
    "Content-Length with a minus": ok("Content-Length: -5\r\n", "hello"),
    "Content-Length in hex": ok("Content-Length: 0x5\r\n", "hello"),
    "Content-Length too large": ok("Content-Length: 99999999999999999999\r\n", "hello"),
    "Content-Length empty": ok("Content-Length:\r\n", "hello"),
    "Transfer-Encoding: gzip": ok("Transfer-Encoding: gzip\r\n", "hello"),
    "Transfer-Encoding: gzip, chunked": ok("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
    "Transfer-Encoding: chunked twice": ok("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    "Transfer-Encoding: identity": ok("Transfer-Encoding: identity\r\n", "hello"),
    "Transfer-Encoding in HTTP/1.0": "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "204 with a length": "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
    "204 with chunks": "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "100 with a length": "HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nhello",
    "101 that nobody asked for":
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "an empty line before the status line": `\r\n${ok("Content-Length: 5\r\n", "hello")}`,
    "a space before the status line": ` ${ok("Content-Length: 5\r\n", "hello")}`,
    "tab before the status": "HTTP/1.1\t200 OK\r\nContent-Length: 0\r\n\r\n",
    "tab after the status": "HTTP/1.1 200\tOK\r\nContent-Length: 0\r\n\r\n",
    "no space after the status": "HTTP/1.1 200OK\r\nContent-Length: 0\r\n\r\n",
    "space in the version": "HTTP/ 1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "status 099": "HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
    "bare LF as the end of the head": "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\n",
    "Content-Length folded": ok("Content-Length:\r\n 5\r\n", "hello"),
    "Content-Length with a plus": ok("Content-Length: +5\r\n", "hello"),
    "Content-Length with a space behind": ok("Content-Length: 5 \r\n", "hello"),
    "Content-Length twice around another field": ok("Content-Length: 5\r\nX: y\r\nContent-Length: 0\r\n", "hello"),
    "Transfer-Encoding and Content-Length": ok(
      "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
      "5\r\nhello\r\n0\r\n\r\n",
    ),
    "Transfer-Encoding: xchunked": ok("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
    "Transfer-Encoding: chunked, identity": ok("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
    "Transfer-Encoding with a space before the colon": ok("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"),
    "Transfer-Encoding with a tab behind": ok("Transfer-Encoding: chunked\t\r\n", "0\r\n\r\n"),
    "Transfer-Encoding folded": ok("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"),
    "100 with chunks": "HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "103 with a bare LF": `HTTP/1.1 103 Early Hints\r\nLink: </a>\n\r\n${second}`,
    "interim answers without an end": "HTTP/1.1 102 Processing\r\n\r\n".repeat(100),
    "chunk extension in quotes, with the head": ok("Transfer-Encoding: chunked\r\n", '5;a="b"\r\nhello\r\n0\r\n\r\n'),
    "chunk extension with a bare LF, with the head": ok(
      "Transfer-Encoding: chunked\r\n",
      "5;a\nb\r\nhello\r\n0\r\n\r\n",
    ),
    "chunk size ended by a bare LF, with the head": ok("Transfer-Encoding: chunked\r\n", "5\nhello\r\n0\r\n\r\n"),
    "trailer with Set-Cookie, with the head": ok("Transfer-Encoding: chunked\r\n", "0\r\nSet-Cookie: a=b\r\n\r\n"),
    "trailer with a bare LF, with the head": ok("Transfer-Encoding: chunked\r\n", "0\r\nX: a\n\r\n"),
    "only an interim answer": "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n",
    "head too long": `HTTP/1.1 200 OK\r\nX: ${"a".repeat(70_000)}`,
    "too many fields": ok("X: y\r\n".repeat(200)),
    "chunk size malformed, with the head": ok("Transfer-Encoding: chunked\r\n", "xyz\r\nhello\r\n0\r\n\r\n"),
    "chunk size with 0x, with the head": ok("Transfer-Encoding: chunked\r\n", "0x5\r\nhello\r\n0\r\n\r\n"),
    "chunk data without CRLF, with the head": ok("Transfer-Encoding: chunked\r\n", "5\r\nhelloX0\r\n\r\n"),
    "trailer that frames, with the head": ok("Transfer-Encoding: chunked\r\n", "0\r\nContent-Length: 3\r\n\r\n"),
  }),
  ...all("cut", {
    "shorter than its length": ok("Content-Length: 10\r\n", "hello"),
    "chunks without an end": ok("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n"),
    "half a chunk": ok("Transfer-Encoding: chunked\r\n", "a\r\nhello"),
    "chunks without the last empty line": ok("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n"),
  }),
  {
    name: "longer than its length",
    bytes: ok("Content-Length: 5\r\n", `hello${second}`),
    must: { status: 200, body: "hello" },
    staysOpen: true,
  },
  {
    name: "a second answer behind chunks",
    bytes: ok("Transfer-Encoding: chunked\r\n", `5\r\nhello\r\n0\r\n\r\n${second}`),
    must: { status: 200, body: "hello" },
    staysOpen: true,
  },
  {
    name: "a body behind 304",
    bytes: `HTTP/1.1 304 Not Modified\r\nContent-Length: 8\r\n\r\npoisoned`,
    must: { status: 304, body: "" },
    staysOpen: true,
  },
  {
    name: "a body behind 204",
    bytes: `HTTP/1.1 204 No Content\r\n\r\n${second}`,
    must: { status: 204, body: "" },
    staysOpen: true,
  },
  {
    name: "a body as answer to HEAD",
    bytes: ok("Content-Length: 5\r\n", "hello"),
    must: { status: 200, body: "" },
    method: "HEAD",
    staysOpen: true,
  },
  {
    name: "chunks behind 304",
    bytes: "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    must: { status: 304, body: "" },
    staysOpen: true,
  },
  {
    name: "chunks as answer to HEAD",
    bytes: ok("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"),
    must: { status: 200, body: "" },
    method: "HEAD",
    staysOpen: true,
  },
  {
    name: "fields that a connection must not carry on, repeated",
    bytes: ok(
      "Content-Type: a\r\nContent-Type: b\r\nETag: c\r\nETag: d\r\nHTTP2-Settings: e\r\nContent-Length: 5\r\n",
      "hello",
    ),
    must: { status: 200, body: "hello" },
    staysOpen: true,
  },
  {
    name: "as many fields as are let through",
    bytes: ok(`${"X: y\r\n".repeat(127)}Content-Length: 5\r\n`, "hello"),
    must: { status: 200, body: "hello" },
    staysOpen: true,
  },
  { name: "until the connection ends", bytes: ok("X: y\r\n", "hello"), must: { status: 200, body: "hello" } },
  {
    name: "HTTP/1.0 until the connection ends",
    bytes: "HTTP/1.0 200 OK\r\n\r\nhello",
    must: { status: 200, body: "hello" },
  },
  {
    name: "no reason",
    bytes: "HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nhello",
    must: { status: 200, body: "hello" },
    staysOpen: true,
  },
  {
    name: "no reason and no space",
    bytes: "HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello",
    must: { status: 200, body: "hello" },
    staysOpen: true,
  },
  {
    name: "interim answers first",
    bytes: `HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n${ok("Content-Length: 5\r\n", "hello")}`,
    must: { status: 200, body: "hello" },
    staysOpen: true,
  },
  {
    name: "a hop's own fields",
    bytes: ok(
      "Connection: x-hop, content-length\r\nX-Hop: 1\r\nKeep-Alive: timeout=1\r\nContent-Length: 5\r\n",
      "hello",
    ),
    must: { status: 200, body: "hello" },
    staysOpen: true,
  },
];
