// The header fields that the router itself understands, found by length and letters without making a string.

export const fieldNames = {
  connection: 1,
  contentLength: 2,
  contentType: 3,
  cookie: 4,
  expect: 5,
  forwarded: 6,
  host: 7,
  http2Settings: 8,
  keepAlive: 9,
  proxyConnection: 10,
  te: 11,
  trailer: 12,
  transferEncoding: 13,
  upgrade: 14,
  xForwardedFor: 15,
  xForwardedHost: 16,
  /** Any other X-Forwarded-*: -Port, -Prefix, -User. */
  xForwardedMore: 17,
  xForwardedProto: 18,
  xRealIp: 19,
  xRequestId: 20,
  sluiceRevision: 21,
  sluiceError: 22,
  via: 23,
  authorization: 24,
  setCookie: 25,
  traceparent: 26,
  sluiceMirror: 27,
  /** One of these with an underscore for a hyphen: what calls its variables HTTP_X_FORWARDED_FOR takes it for the same. */
  lookalike: 28,
} as const;

/** 0 stands for every field that the router does not know. */
export type Field = (typeof fieldNames)[keyof typeof fieldNames];

const forwarded = "x-forwarded-";

const known: Record<string, Field> = {
  connection: fieldNames.connection,
  "content-length": fieldNames.contentLength,
  "content-type": fieldNames.contentType,
  cookie: fieldNames.cookie,
  expect: fieldNames.expect,
  forwarded: fieldNames.forwarded,
  host: fieldNames.host,
  "http2-settings": fieldNames.http2Settings,
  "keep-alive": fieldNames.keepAlive,
  "proxy-connection": fieldNames.proxyConnection,
  te: fieldNames.te,
  trailer: fieldNames.trailer,
  "transfer-encoding": fieldNames.transferEncoding,
  upgrade: fieldNames.upgrade,
  "x-forwarded-for": fieldNames.xForwardedFor,
  "x-forwarded-host": fieldNames.xForwardedHost,
  "x-forwarded-proto": fieldNames.xForwardedProto,
  "x-real-ip": fieldNames.xRealIp,
  "x-request-id": fieldNames.xRequestId,
  "x-sluice-revision": fieldNames.sluiceRevision,
  "x-sluice-error": fieldNames.sluiceError,
  via: fieldNames.via,
  authorization: fieldNames.authorization,
  "set-cookie": fieldNames.setCookie,
  traceparent: fieldNames.traceparent,
  "x-sluice-mirror": fieldNames.sluiceMirror,
};

const byLength: { name: string; field: Field }[][] = Array.from({ length: 18 }, (_, n) =>
  Object.entries(known)
    .filter(([name]) => name.length === n)
    .map(([name, field]) => ({ name, field })),
);

export function fieldAt(b: Buffer, start: number, end: number): Field | 0 {
  const candidates = byLength[end - start];
  if (candidates !== undefined)
    for (const { name, field } of candidates)
      if (isName(b, start, name)) return hasUnderscore(b, start, end) ? fieldNames.lookalike : field;
  return end - start > forwarded.length && isName(b, start, forwarded) ? fieldNames.xForwardedMore : 0;
}

const [underscore, hyphen] = [0x5f, 0x2d];

/** Setting bit 0x20 lowers letters and changes no other byte of a token into one of these names' bytes. */
function isName(b: Buffer, start: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const byte = b[start + i] ?? 0;
    const letter = name.charCodeAt(i);
    if ((byte | 0x20) !== letter && !(byte === underscore && letter === hyphen)) return false;
  }
  return true;
}

function hasUnderscore(b: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (b[i] === underscore) return true;
  return false;
}
