// The health of environments as a tree: service, replica, part.
import type {
  CertificateHealth,
  EnvironmentHealth,
  HealthStatus,
  ReplicaHealth,
  ServiceHealth,
} from "../../domain/health.ts";
import type { Colors } from "../screen.ts";

export function healthLines(environments: readonly EnvironmentHealth[], colors: Colors): readonly string[] {
  if (environments.length === 0) return ["Nothing runs on this machine yet"];
  return environments.flatMap(({ environment, status, services, certificates }) => [
    `${mark(status, colors)} ${colors.bold(environment)}${said(status)}`,
    ...services.flatMap((service) => serviceLines(service, colors)),
    ...certificates.map((certificate) => `  ${mark(certificate.status, colors)} ${certificateLine(certificate)}`),
  ]);
}

/** "certificate of shop.example, 61 days left" */
export function certificateLine({ name, daysLeft, because }: CertificateHealth): string {
  const left = daysLeft === undefined ? "there is none yet" : `${daysLeft} day${daysLeft === 1 ? "" : "s"} left`;
  return `certificate of ${name}, ${left}${because === undefined ? "" : `: ${because}`}`;
}

function serviceLines({ service, status, replicas }: ServiceHealth, colors: Colors): readonly string[] {
  const ready = replicas.filter(({ state }) => state === "ready").length;
  return [
    `  ${mark(status, colors)} ${service}${said(status)}  ${colors.dim(`${ready} of ${replicas.length} ready`)}`,
    ...replicas.flatMap((replica) => replicaLines(replica, colors)),
  ];
}

/** A replica that is well, never ended and lists no parts says nothing that its service does not say. */
function replicaLines(replica: ReplicaHealth, colors: Colors): readonly string[] {
  const { id, status, state, because, restarts, parts } = replica;
  if (status === "healthy" && parts.length === 0 && restarts === 0) return [];
  const why = state === "ready" ? "" : ` ${state}${because === undefined ? "" : `: ${because}`}`;
  return [
    `    ${mark(status, colors)} ${id}${why}${restarts === 0 ? "" : colors.dim(`  ${past(replica)}`)}`,
    ...parts.map(
      (part) =>
        `      ${mark(part.status, colors)} ${part.name}${part.note === undefined ? "" : colors.dim(` ${part.note}`)}`,
    ),
  ];
}

/** Why it was started again; not twice where that is also why it is down now. */
function past({ restarts, lastExit, because }: ReplicaHealth): string {
  const times = `restarted ${restarts === 1 ? "once" : `${restarts} times`}`;
  if (lastExit === undefined || lastExit.because === because) return times;
  const at = new Date(lastExit.at).toISOString().slice(0, 16).replace("T", " ");
  return `${times}, last at ${at} UTC: ${lastExit.because}`;
}

function said(status: HealthStatus): string {
  return status === "healthy" ? "" : ` is ${status}`;
}

function mark(status: HealthStatus, colors: Colors): string {
  const marks: Readonly<Record<HealthStatus, string>> = {
    healthy: colors.green("✓"),
    degraded: colors.yellow("!"),
    unhealthy: colors.red("✗"),
  };
  return marks[status];
}
