// A DesiredService as it comes over the socket: everything wrong with it is said at once. What the router would refuse is
// refused here: its table is one for all services.
import type { DesiredService } from "./api.ts";
import { checkCertificate } from "./router/certificates.ts";
import { problemsOfOptions } from "./router/table-check.ts";

export function problemsOf(value: DesiredService): readonly string[] {
  if (typeof value !== "object" || value === null) return ["the body is not an object"];
  const problems: string[] = [];
  if (typeof value.fence?.journal !== "string" || !Number.isFinite(value.fence?.seq))
    problems.push("fence: needs journal and seq");
  if (typeof value.revisions !== "object" || value.revisions === null) problems.push("revisions: is missing");
  if (typeof value.entry?.environment !== "string" || !Number.isInteger(value.entry?.port))
    problems.push("entry: needs environment and port");
  if (!Array.isArray(value.routes)) problems.push("routes: is not a list");
  if (!Array.isArray(value.ingress)) problems.push("ingress: is not a list");
  if (!Number.isFinite(value.buffer?.maxMs) || !Number.isFinite(value.buffer?.maxBytes))
    problems.push("buffer: needs maxMs and maxBytes");
  if (problems.length > 0) return problems;
  const options = problemsOfOptions({ traffic: value.traffic ?? {}, entry: value.entry.options ?? {} });
  return [
    ...options,
    ...(options.length > 0 ? [] : certificateProblems(value)),
    ...Object.entries(value.revisions).flatMap(([id, revision]) => revisionProblems(id, revision)),
    ...weightProblems(value),
  ];
}

function certificateProblems({ entry }: DesiredService): readonly string[] {
  return (entry.options?.tls?.certificates ?? []).flatMap((certificate) => {
    try {
      checkCertificate(certificate);
      return [];
    } catch (error) {
      return [`certificate ${certificate.certFile}: ${error instanceof Error ? error.message : error}`];
    }
  });
}

function revisionProblems(
  id: string,
  { spec, replicas, weight }: DesiredService["revisions"][string],
): readonly string[] {
  const problems: string[] = [];
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(id))
    problems.push("may hold letters, digits, dot, dash and underscore only");
  if (!Number.isInteger(replicas) || replicas < 0 || replicas > 1000)
    problems.push("replicas is not a count from 0 to 1000");
  if (!Number.isFinite(weight) || weight < 0 || weight > 100) problems.push("weight is not a percentage");
  if (weight > 0 && replicas === 0) problems.push(`weight ${weight} without a replica`);
  if (typeof spec?.folder !== "string" || !spec.folder.startsWith("/"))
    problems.push("spec.folder is not an absolute path");
  if (!Array.isArray(spec?.command) || !spec.command.every((part) => typeof part === "string"))
    problems.push("spec.command is not a list of words");
  if (typeof spec?.env !== "object") problems.push("spec.env is missing");
  for (const name of ["readiness", "startup", "liveness"] as const) {
    const probe = spec?.[name];
    if (probe === undefined && name !== "readiness") continue;
    if (probe === undefined || !["http", "tcp", "command", "running"].includes(probe.kind))
      problems.push(`spec.${name}.kind is not http, tcp, command or running`);
  }
  for (const key of ["startWithinMs", "drainTimeoutMs", "graceMs"] as const)
    if (!(spec?.[key] >= 0)) problems.push(`spec.${key} is not a duration`);
  return problems.map((problem) => `revision ${id}: ${problem}`);
}

function weightProblems(value: DesiredService): readonly string[] {
  const sum = Object.values(value.revisions).reduce((total, { weight }) => total + weight, 0);
  return sum === 0 || Math.abs(sum - 100) < 1e-6 ? [] : [`weights sum to ${sum}, not to 100 or 0`];
}
