// What a runtime is told about a container: the OCI runtime spec's config.json. Pure. Namespaces of its own but for the
// network, the rights that containers commonly have and no way to more, nothing of the machine's file system.
import type { Container } from "../api.ts";
import type { Limits } from "./cgroup.ts";

export interface BundleParts {
  readonly container: Container;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly uid: number;
  readonly gid: number;
  readonly limits: Limits;
  /** Where a runtime that makes groups makes its own: relative to those of the shim. */
  readonly cgroup: string;
  readonly hostname: string;
}

/** For root only; others have none. Those of a common container engine, without the ones that forge packets or make devices. */
const rootCapabilities = [
  ...[
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
  ],
].map((name) => `CAP_${name}`);

const hidden = [
  "/proc/acpi",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/sched_debug",
];
const readonly = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

export function bundleConfig({ container, command, env, uid, gid, limits, cgroup, hostname }: BundleParts): unknown {
  const capabilities = uid === 0 ? rootCapabilities : [];
  const { memoryMiB, cpuMillicores, cpuMillicoresMax } = limits;
  return {
    ociVersion: "1.0.2",
    process: {
      terminal: false,
      user: { uid, gid },
      args: command,
      env: Object.entries({ HOME: uid === 0 ? "/root" : "/", ...env }).map(([name, value]) => `${name}=${value}`),
      cwd: container.workingDir,
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      noNewPrivileges: true,
    },
    root: { path: "rootfs", readonly: false },
    hostname: hostname.slice(0, 63),
    mounts: [
      mount("/proc", "proc", []),
      mount("/dev", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
      mount("/dev/pts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]),
      mount("/dev/shm", "tmpfs", ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
      mount("/dev/mqueue", "mqueue", ["nosuid", "noexec", "nodev"]),
      // The network is the machine's, so its names are too.
      ...["/etc/resolv.conf", "/etc/hosts"].map((file) => ({
        ...{ destination: file, type: "bind", source: file, options: ["rbind", "ro", "nosuid", "nodev", "noexec"] },
      })),
    ],
    linux: {
      namespaces: ["pid", "ipc", "uts", "mount"].map((type) => ({ type })),
      cgroupsPath: cgroup,
      resources: {
        devices: [{ allow: false, access: "rwm" }],
        ...(memoryMiB === undefined ? {} : { memory: { limit: memoryMiB * 2 ** 20 } }),
        cpu: {
          ...(cpuMillicores === undefined ? {} : { shares: Math.max(2, Math.round((cpuMillicores * 1024) / 1000)) }),
          ...(cpuMillicoresMax === undefined
            ? {}
            : { period: 100_000, quota: Math.max(1_000, cpuMillicoresMax * 100) }),
        },
      },
      maskedPaths: hidden,
      readonlyPaths: readonly,
    },
  };
}

function mount(destination: string, type: string, options: readonly string[]) {
  return { destination, type, source: type === "tmpfs" ? "tmpfs" : type, options };
}
