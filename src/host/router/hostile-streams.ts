// Hostile requests of HTTP/2, which has no line ends to forge and may carry those of HTTP/1.1 in any text (RFC 9113 §8, §10.3).
// Each with what must happen: the stream is refused and the replica sees nothing, or it is asked this.
import type { HostileRequest } from "./hostile-forms.ts";

export type Fields = readonly (readonly [name: string, value: string])[];

export interface HostileStream {
  readonly name: string;
  readonly fields: Fields;
  readonly body?: string;
  readonly trailers?: Fields;
  readonly must: "refused" | Exclude<HostileRequest["must"], number>;
}

interface Forged {
  readonly method?: string;
  readonly path?: string;
  readonly authority?: string;
  readonly scheme?: string;
  readonly more?: Fields;
  readonly body?: string;
  readonly trailers?: Fields;
}

const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

function stream(name: string, forged: Forged, must: HostileStream["must"]): HostileStream {
  const { method = "GET", path = "/", authority = "a", scheme = "https", more = [], body, trailers } = forged;
  const given = { ":method": method, ":path": path, ":authority": authority, ":scheme": scheme };
  const pseudo = Object.entries(given).filter(([, value]) => value !== "-");
  return {
    name,
    fields: [...pseudo, ...more],
    ...(body === undefined ? {} : { body }),
    ...(trailers && { trailers }),
    must,
  };
}

const refused = (cases: Readonly<Record<string, Forged>>): readonly HostileStream[] =>
  Object.entries(cases).map(([name, forged]) => stream(name, forged, "refused"));

const x = (value: string): Forged => ({ more: [["x", value]] });
const posted = (more: Fields, body: string): Forged => ({ method: "POST", more, body });

export const hostileStreams: readonly HostileStream[] = [
  ...refused({
    "capitals in a name": { more: [["X-Y", "b"]] },
    "a whole request in the path": { path: `/ HTTP/1.1\r\nHost: a\r\n\r\n${smuggled}` },
    "space in the path": { path: "/ HTTP/1.1" },
    "tab in the path": { path: "/\tx" },
    "bare LF in the path": { path: "/\nx" },
    "NUL in the path": { path: "/\0" },
    "non-ASCII in the path": { path: "/\xe9" },
    "fragment in the path": { path: "/#top" },
    "empty path": { path: "" },
    "path without a slash": { path: "admin" },
    "asterisk without OPTIONS": { path: "*" },
    "absolute form of another host in the path": { path: "http://b/" },
    "dot segments": { path: "/public/../admin" },
    "no path": { path: "-" },
    "a whole request in the method": { method: `GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\nGET` },
    "space in the method": { method: "GET /smuggled" },
    "lower-case method": { method: "get" },
    "empty method": { method: "" },
    "no method": { method: "-" },
    CONNECT: { method: "CONNECT" },
    "CONNECT without a path": { method: "CONNECT", path: "-", scheme: "-" },
    TRACE: { method: "TRACE" },
    "CR LF in the authority": { authority: "a\r\nX: y" },
    "space in the authority": { authority: "a b" },
    "user in the authority": { authority: "u@a" },
    "path in the authority": { authority: "a/b" },
    "comma in the authority": { authority: "a,b" },
    "another Host beside the authority": { more: [["host", "b"]] },
    "two Hosts": {
      authority: "-",
      more: [
        ["host", "a"],
        ["host", "b"],
      ],
    },
    "no authority and no Host": { authority: "-" },
    "CR LF in the scheme": { scheme: "https\r\nX: y" },
    "Transfer-Encoding (H2.TE)": posted([["transfer-encoding", "chunked"]], `0\r\n\r\n${smuggled}`),
    Connection: { more: [["connection", "close"]] },
    "Keep-Alive": { more: [["keep-alive", "timeout=5"]] },
    "Proxy-Connection": { more: [["proxy-connection", "keep-alive"]] },
    Upgrade: { more: [["upgrade", "websocket"]] },
    "TE other than trailers": { more: [["te", "gzip"]] },
    "an unknown pseudo field": { more: [[":foo", "bar"]] },
    "a pseudo field of answers": { more: [[":status", "200"]] },
    "a pseudo field behind others": {
      path: "-",
      more: [
        ["x", "y"],
        [":path", "/"],
      ],
    },
    "two paths": { more: [[":path", "/smuggled"]] },
    "two methods": { more: [[":method", "POST"]] },
    "Content-Length shorter than the body (H2.CL)": posted([["content-length", "0"]], smuggled),
    "Content-Length longer than the body": posted([["content-length", "100"]], "hello"),
    "Content-Length with a minus": posted([["content-length", "-1"]], "hello"),
    "Content-Length with a plus": posted([["content-length", "+5"]], "hello"),
    "Content-Length as a list": posted([["content-length", "5, 5"]], "hello"),
    "Content-Length in hex": posted([["content-length", "0x5"]], "hello"),
    "Content-Length twice": posted(
      [
        ["content-length", "5"],
        ["content-length", "6"],
      ],
      "hello",
    ),
    "Content-Length without a body": { method: "POST", more: [["content-length", "5"]] },
    "an expectation nobody knows": { more: [["expect", "200-maybe"]] },
    "Content-Length as a trailer": { ...posted([], "hello"), trailers: [["content-length", "0"]] },
    "Transfer-Encoding as a trailer": { ...posted([], "hello"), trailers: [["transfer-encoding", "chunked"]] },
    "Authorization as a trailer": { ...posted([], "hello"), trailers: [["authorization", "Basic eDp5"]] },
    "a pseudo field as a trailer": { ...posted([], "hello"), trailers: [[":path", "/admin"]] },
  }),
  // nghttp2 leaves a field out that is none, and hands on the rest: what it hides must not come through.
  ...Object.entries<Forged>({
    "CR LF and a field in a value": x("a\r\nTransfer-Encoding: chunked"),
    "CR LF and a whole request in a value": x(`a\r\n\r\n${smuggled}`),
    "bare LF in a value": x("a\nHost: b"),
    "bare CR in a value": x("a\rHost: b"),
    "NUL in a value": x("a\0b"),
    "control byte in a value": x("a\x01b"),
    "CR LF in a name": { more: [["x: y\r\nhost", "b"]] },
    "colon in a name": { more: [["x: y", "b"]] },
    "space in a name": { more: [["x y", "b"]] },
    "non-ASCII in a name": { more: [["x\xe9", "b"]] },
    "empty name": { more: [["", "b"]] },
  }).map(([name, forged]) => stream(name, forged, { ask: "GET /" })),
  stream(
    "CR LF in a trailer",
    { ...posted([], "hello"), trailers: [["x", `y\r\n\r\n${smuggled}`]] },
    { ask: "POST /", body: "hello" },
  ),
  stream("a body that looks like the end of chunks", posted([], `0\r\n\r\n${smuggled}`), {
    ask: "POST /",
    body: `0\r\n\r\n${smuggled}`,
  }),
  stream("a body of the length that is said", posted([["content-length", "5"]], "hello"), {
    ask: "POST /",
    body: "hello",
  }),
  stream("the same Host beside the authority", { more: [["host", "A"]] }, { ask: "GET /" }),
  stream("Host in place of the authority", { authority: "-", more: [["host", "a"]] }, { ask: "GET /" }),
  stream("TE: trailers", { more: [["te", "trailers"]] }, { ask: "GET /" }),
  stream("Content_Length, which frames nothing", { more: [["content_length", "37"]] }, { ask: "GET /" }),
  stream(
    "cookies in pieces",
    {
      more: [
        ["cookie", "a=b"],
        ["cookie", "c=d"],
      ],
    },
    { ask: "GET /" },
  ),
  stream(
    "a harmless trailer",
    { ...posted([], "hello"), trailers: [["x-sum", "1"]] },
    { ask: "POST /", body: "hello" },
  ),
];
