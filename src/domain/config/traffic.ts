// How the router treats a service's requests, and the connections to an environment's public port. Left out, it costs nothing.
import { z } from "zod";
import { AddressRange, Duration, InnerPath, key, Percentage, Size, UrlPath } from "./values.ts";

const token = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "it is letters, digits and dashes");
const value = key(z.string().min(1), "What it must be, exactly.", "yes");

const Rule = z.union([
  z.strictObject({ header: key(token, "Name of a header.", "x-tester"), value }),
  z.strictObject({ cookie: key(token, "Name of a cookie.", "beta"), value }),
  z.strictObject({ query: key(z.string().min(1), "Name of a query parameter.", "version"), value }),
]);

const Sticky = z.strictObject({
  cookie: key(token.prefault("sluice-place"), "Name of the cookie.", "seat"),
  maxAge: key(Duration.prefault("1d"), "How long a session keeps its place.", "7d"),
});

const Ejection = z.strictObject({
  failuresInRow: key(
    z.int().min(1).prefault(5),
    "Answers that a replica cut, garbled or did not give, one after the other.",
    3,
  ),
  for: key(Duration.prefault("10s"), "How long it gets nothing; longer each time, up to a minute.", "30s"),
  panicThreshold: key(
    Percentage.prefault(50),
    "When more than this share of a revision's replicas would be out, all get requests again.",
    "70%",
  ),
});

const RateLimit = z.strictObject({
  perSecond: key(z.number().positive(), "Requests of one address, on average.", 50),
  burst: key(z.int().min(1), "At once, after a quiet time.", 100),
});

const Buffering = z.strictObject({
  within: key(Duration.prefault("15s"), "Longest wait.", "30s"),
  memory: key(Size.prefault("4MB"), "All that is held, together.", "16MB"),
  requests: key(z.int().min(0).prefault(10_000), "How many.", 500),
});

export const Traffic = z.strictObject({
  candidateWhen: key(
    z.exactOptional(z.array(Rule).min(1)),
    "Requests that the candidate answers while it stands beside the present version (canary, blueGreen), whatever the weights say.",
    [
      { header: "x-tester", value: "yes" },
      { query: "version", value: "next" },
    ],
  ),
  sticky: key(
    z.exactOptional(Sticky),
    "Sessions keep their version by a signed cookie, and move only as far as the weights do. The host keeps the key.",
    { cookie: "seat" },
  ),
  mirror: key(
    z.exactOptional(Percentage),
    "Share of GET, HEAD and OPTIONS requests that the candidate gets copies of; its answers to them are thrown away.",
    "10%",
  ),
  ejection: key(
    z.exactOptional(Ejection),
    "When a failing replica gets nothing for a while; as its defaults say unless given.",
    { failuresInRow: 3 },
  ),
  slowStart: key(z.exactOptional(Duration), "A new replica's share grows to full over so long.", "30s"),
  retries: key(
    z.exactOptional(Percentage),
    "Requests sent a second time, of all; 20 % unless given. Only idempotent ones, or of which nothing was sent.",
    "10%",
  ),
  answerWithin: key(z.exactOptional(Duration), "Longest wait for the head of an answer; 60s unless given.", "10s"),
  maxBody: key(z.exactOptional(Size), "Longest body of a request.", "10MB"),
  maxAnswer: key(z.exactOptional(Size), "Longest body of an answer; event streams have none.", "100MB"),
  rateLimit: key(z.exactOptional(RateLimit), "Requests of one client; more get 429.", { perSecond: 50, burst: 100 }),
  allow: key(
    z.exactOptional(z.record(UrlPath, z.array(AddressRange))),
    "Paths, with all below them, that only these addresses may ask; others get 403.",
    { "/admin": ["10.0.0.0/8"] },
  ),
  buffer: key(z.exactOptional(Buffering), "Requests held while nothing is ready, as at a switch.", { within: "30s" }),
  maintenancePage: key(
    z.exactOptional(InnerPath),
    "HTML file below the service's folder: the answer of `sluice maintenance on`, and when nothing was ready in time.",
    "maintenance.html",
  ),
});

const absolute = z.string().regex(/^\//, "a file of the machine: an absolute path");

const Certificate = z.strictObject({
  cert: key(absolute, "PEM file with the certificate and its chain, on the machine.", "/etc/sluice/shop.crt"),
  key: key(absolute, "PEM file with its key.", "/etc/sluice/shop.key"),
  host: key(
    z.exactOptional(z.string().min(1)),
    "Name it is for, or *.name; without, all names that no other is for.",
    "shop.example",
  ),
});

const Acme = z.strictObject({
  email: key(z.email(), "Whom the authority writes to. Naming it agrees to its terms.", "ops@shop.example"),
  directory: key(
    z.exactOptional(z.url({ protocol: /^https$/ })),
    "Another authority than Let's Encrypt.",
    "https://acme-staging-v02.api.letsencrypt.org/directory",
  ),
});

const SlowClients = z.strictObject({
  head: key(z.exactOptional(Duration), "For a whole head of a request; 10s unless given.", "5s"),
  idle: key(z.exactOptional(Duration), "Between two requests of a connection; 75s unless given.", "30s"),
  stall: key(z.exactOptional(Duration), "Without a byte of a body that is under way; 30s unless given.", "10s"),
});

export const Entry = z.strictObject({
  tls: key(
    z.exactOptional(z.array(Certificate).min(1)),
    "Serves HTTPS, with HTTP/2. The files are read again when they change. Needs `domain`.",
    [{ cert: "/etc/sluice/shop.crt", key: "/etc/sluice/shop.key" }],
  ),
  acme: key(
    z.exactOptional(Acme),
    "Serves HTTPS with certificates that Sluice asks for and renews: for `domain` and every host of a service. Each must lead to this machine, whose plain port (`sluice up --http-port 80`) proves it.",
    { email: "ops@shop.example" },
  ),
  trustedProxies: key(
    z.exactOptional(z.array(AddressRange)),
    "Whose X-Forwarded-* is believed: load balancers in front of this machine.",
    ["10.0.0.0/8"],
  ),
  connectionsPerClient: key(z.exactOptional(z.int().min(1)), "Connections of one address at a time.", 100),
  accessLog: key(
    z.exactOptional(Percentage),
    "Share of requests written to the access log, errors always: JSON lines in host/logs/<environment>/access.log of the data folder.",
    "10%",
  ),
  slowClients: key(z.exactOptional(SlowClients), "How long clients may take.", { head: "5s" }),
});
