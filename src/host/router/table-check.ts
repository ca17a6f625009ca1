// Is this a table? Checked once where it comes in, everything wrong at once; a table that is not leaves the last in force.
import type { RouterTable } from "../table.ts";
import { isRange } from "./addresses.ts";

export function checkTable(value: unknown): RouterTable {
  const problems: string[] = [];
  const say = (at: string, what: string): void => void problems.push(`${at}: ${what}`);
  if (!isRecord(value)) throw new Error("the table is not an object");
  if (!Number.isSafeInteger(value.version)) say("version", "not a whole number");
  if (value.intervalMs !== undefined && !(isCount(value.intervalMs) && value.intervalMs >= 100))
    say("intervalMs", "below 100");
  if (!Array.isArray(value.listeners)) say("listeners", "not a list");
  else value.listeners.forEach((listener, i) => void checkListener(listener, `listeners[${i}]`, say));
  if (!isRecord(value.services)) say("services", "not an object");
  else for (const [key, service] of Object.entries(value.services)) checkService(service, `services.${key}`, say);
  if (problems.length > 0) throw new Error(problems.join("; "));
  return value as unknown as RouterTable;
}

/** What is wrong with the optional parts of a service and of a listener, as a document asks for them. */
export function problemsOfOptions({
  traffic = {},
  entry = {},
}: {
  traffic?: object;
  entry?: object;
}): readonly string[] {
  const problems: string[] = [];
  const say = (at: string, what: string): void => void problems.push(`${at}: ${what}`);
  checkOptions({ ...traffic }, "traffic", say);
  checkListener({ id: "", rules: [], ...entry }, "entry.options", say);
  return problems;
}

type Say = (at: string, what: string) => void;

function checkListener(listener: unknown, at: string, say: Say): void {
  if (!isRecord(listener) || typeof listener.id !== "string") return say(at, "has no id");
  const { trusted, tls, patience, accessLog, connectionsPerClientMax } = listener;
  if (trusted !== undefined && !isRanges(trusted)) say(`${at}.trusted`, "not a list of addresses or ranges");
  if (tls !== undefined && !(isRecord(tls) && Array.isArray(tls.certificates) && tls.certificates.every(isCertificate)))
    say(`${at}.tls`, "needs certificates with certFile and keyFile");
  if (connectionsPerClientMax !== undefined && !(isCount(connectionsPerClientMax) && connectionsPerClientMax >= 1))
    say(`${at}.connectionsPerClientMax`, "not a number from 1");
  if (accessLog !== undefined && !(isRecord(accessLog) && isText(accessLog.file) && isCount(accessLog.samplePercent)))
    say(`${at}.accessLog`, "needs file and samplePercent");
  if (patience !== undefined && !(isRecord(patience) && Object.values(patience).every(isCount)))
    say(`${at}.patience`, "needs numbers of milliseconds");
  if (!Array.isArray(listener.rules)) return say(`${at}.rules`, "not a list");
  listener.rules.forEach((rule: unknown, i) => {
    checkRule(rule, `${at}.rules[${i}]`, say);
  });
}

function checkRule(rule: unknown, at: string, say: Say): void {
  if (!isRecord(rule)) return say(at, "not an object");
  if (typeof rule.path !== "string" || !rule.path.startsWith("/")) say(`${at}.path`, "does not begin with /");
  if (typeof rule.service !== "string") say(`${at}.service`, "not a text");
  if (rule.host !== undefined && typeof rule.host !== "string") say(`${at}.host`, "not a text");
}

function checkService(service: unknown, at: string, say: Say): void {
  if (!isRecord(service)) return say(at, "not an object");
  const { buffer, routes, revisions } = service;
  if (!isRecord(buffer) || !isCount(buffer.maxMs) || !isCount(buffer.maxBytes))
    say(`${at}.buffer`, "needs maxMs and maxBytes");
  if (!Array.isArray(routes)) say(`${at}.routes`, "not a list");
  else if (!routes.every((r) => isRecord(r) && isRecord(r.match) && typeof r.to === "string"))
    say(`${at}.routes`, "each needs match and to");
  checkOptions(service, at, say);
  if (!isRecord(revisions)) return say(`${at}.revisions`, "not an object");
  for (const [id, revision] of Object.entries(revisions)) {
    if (!/^[\w.:@/-]{1,200}$/.test(id)) say(`${at}.revisions`, `"${id}" is no name for a revision`);
    if (!isRecord(revision)) say(`${at}.revisions.${id}`, "not an object");
    else checkRevision(revision, `${at}.revisions.${id}`, say);
  }
}

const counts = ["slowStartMs", "retryPercentMax", "bodyBytesMax", "answerBytesMax", "answerMs", "drainSpreadMs"];
const lists = ["previewHosts", "routeClasses"];

/** What may be left out. A value that would throw later must not get in: a table is applied whole or not at all. */
function checkOptions(service: Record<string, unknown>, at: string, say: Say): void {
  const { sticky, mirror, ejection, rateLimit, allow } = service;
  if (sticky !== undefined && !(isRecord(sticky) && isToken(sticky.cookie)))
    say(`${at}.sticky`, "needs a cookie's name");
  if (mirror !== undefined && !(isRecord(mirror) && isText(mirror.to) && isCount(mirror.percent)))
    say(`${at}.mirror`, "needs to and percent");
  if (ejection !== undefined && !(isRecord(ejection) && isCount(ejection.failuresInRow) && isCount(ejection.forMs)))
    say(`${at}.ejection`, "needs failuresInRow and forMs");
  if (rateLimit !== undefined && !(isRecord(rateLimit) && isCount(rateLimit.perSecond) && isCount(rateLimit.burst)))
    say(`${at}.rateLimit`, "needs perSecond and burst");
  for (const name of counts)
    if (service[name] !== undefined && !isCount(service[name])) say(`${at}.${name}`, "not a number from 0");
  for (const name of lists)
    if (service[name] !== undefined && !isTexts(service[name])) say(`${at}.${name}`, "not a list of texts");
  if (allow === undefined) return;
  if (!Array.isArray(allow)) return say(`${at}.allow`, "not a list");
  allow.forEach((rule: unknown, i) => {
    if (!isRecord(rule) || !isText(rule.path) || !isRanges(rule.from))
      say(`${at}.allow[${i}]`, "needs path, and from as a list of addresses or ranges");
  });
}

function isCertificate(value: unknown): boolean {
  return isRecord(value) && isText(value.certFile) && isText(value.keyFile);
}

function isRanges(value: unknown): boolean {
  return Array.isArray(value) && value.every((range) => typeof range === "string" && isRange(range));
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}

function isToken(value: unknown): boolean {
  return isText(value) && /^[\w-]+$/.test(value);
}

function checkRevision(revision: Record<string, unknown>, at: string, say: Say): void {
  if (!isCount(revision.weight) || revision.weight > 100) say(`${at}.weight`, "not from 0 to 100");
  if (!Array.isArray(revision.replicas)) return say(`${at}.replicas`, "not a list");
  revision.replicas.forEach((replica: unknown, i) => {
    const isGood =
      isRecord(replica) &&
      typeof replica.id === "string" &&
      isCount(replica.port) &&
      replica.port > 0 &&
      replica.port < 65_536;
    if (!isGood) say(`${at}.replicas[${i}]`, "needs id and port");
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
