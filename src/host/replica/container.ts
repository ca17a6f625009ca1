// Replicas and jobs inside of an image, by runc or crun. The shim starts the runtime in the command's place, so exit status,
// logs, signals and adoption are those of any replica; the container is in the replica's own control groups, uses the
// machine's network, so PORT and loopback are as ever, and writes to a layer that goes with the run.
import { spawnSync } from "node:child_process";
import { accessSync, chmodSync, constants, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Container } from "../api.ts";
import { groupName, type Limits } from "./cgroup.ts";
import { bundleConfig } from "./container-bundle.ts";
import { findUser, type OtherUser } from "./other-user.ts";

export interface Contained {
  readonly container: Container;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly user?: string | undefined;
  readonly limits: Limits;
}

interface Runtime {
  readonly program: string;
  readonly kind: "crun" | "runc";
}

/** Why no container can run here, with what to do; undefined when one can. */
export function whyNotContained(user: string | undefined): string | undefined {
  if (process.platform !== "linux") return "it is an image, and containers run on Linux only";
  if (process.geteuid?.() !== 0)
    return "it is an image, and only a host that is root may start containers: `sluice host install --containers`, or `sluice host run` as root";
  if (user !== undefined && findUser(user) === undefined) return `there is no user "${user}" on this machine`;
  if (runtime() === undefined) return "it is an image, and no runtime is here: install runc or crun";
  const missing = ["unshare", "mount"].find((name) => programAt(name) === undefined);
  return missing && `it is an image, and ${missing} is missing: install util-linux`;
}

/** Writes what the runtime reads; answers the command line that the shim starts. Ours goes in `run`, which is removed with it. */
export function enterContainer(run: string, contained: Contained): readonly string[] {
  const { container, command, env, user, limits } = contained;
  const found = runtime();
  if (found === undefined) throw new Error(whyNotContained(user) ?? "no runtime");
  for (const name of ["upper", "work", "rootfs"]) {
    mkdirSync(join(run, "bundle", name), { recursive: true });
    chmodSync(join(run, "bundle", name), 0o755); // whatever our umask: it becomes the container's /
  }
  const who: Pick<OtherUser, "uid" | "gid"> = (user === undefined ? undefined : findUser(user)) ?? { uid: 0, gid: 0 };
  const id = groupName(run);
  const config = bundleConfig({ ...{ command, env, limits, container }, ...who, cgroup: `${id}-c`, hostname: id });
  writeFileSync(join(run, "bundle/config.json"), JSON.stringify(config), { mode: 0o600 });
  const keep = found.kind === "runc" ? ["--keep"] : [];
  const start = [found.program, ...runtimeArgs(found, run), "run", ...keep, "--bundle", join(run, "bundle"), id];
  return [
    programAt("unshare") ?? "",
    "--mount",
    "/bin/sh",
    "-c",
    overlay,
    "sluice-overlay",
    container.rootfs,
    run,
    ...start,
  ];
}

/** The command line that runs something inside of a container that runs. */
export function insideOf(
  run: string,
  { container, command }: Pick<Contained, "container" | "command">,
): readonly string[] {
  const found = runtime();
  return found === undefined
    ? command
    : [found.program, ...runtimeArgs(found, run), "exec", "--cwd", container.workingDir, groupName(run), ...command];
}

/** After the run's end: kills what is left inside and removes the runtime's notes and groups. Harmless where there are none. */
export function leaveContainer(run: string): void {
  const found = runtime();
  if (found === undefined || !existsSync(join(run, "bundle"))) return;
  spawnSync(found.program, [...runtimeArgs(found, run), "delete", "--force", groupName(run)], {
    timeout: 15_000,
  });
}

/** In a mount namespace of its own: the mount goes with the last process in it. */
const overlay = `
rootfs=$1 bundle=$2/bundle; shift 2
mount -t overlay overlay -o "lowerdir=$rootfs,upperdir=$bundle/upper,workdir=$bundle/work" "$bundle/rootfs" || exit 125
exec "$@"`;

/** crun leaves the container in the groups that the shim is in; runc makes groups of its own below or beside those. */
function runtimeArgs({ kind }: Runtime, run: string): readonly string[] {
  const groups = kind === "crun" ? ["--cgroup-manager=disabled"] : [];
  return ["--root", join(run, "bundle/state"), ...groups];
}

/** crun is smaller and faster, but does not start where both versions of control groups are mounted side by side. */
function runtime(): Runtime | undefined {
  const kinds = existsSync("/sys/fs/cgroup/unified/cgroup.procs") ? (["runc"] as const) : (["crun", "runc"] as const);
  for (const kind of kinds) {
    const program = programAt(kind);
    if (program !== undefined) return { kind, program };
  }
  return undefined;
}

function programAt(name: string): string | undefined {
  return ["/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin"]
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
