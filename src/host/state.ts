// What the host remembers across its own death: what was asked, what runs, which ports are promised. One file, written
// whole. It holds environments and so secrets: mode 0600.
import { randomBytes } from "node:crypto";
import { Problem } from "../domain/problem.ts";
import type { DesiredService, Fence, Maintenance, ReplicaSpec, ServiceKey } from "./api.ts";
import type { ReplicaRecord } from "./replica/replica.ts";
import type { RoutedService } from "./table.ts";
import type { ListenerId } from "./twin.ts";
import { readWhole, writeWhole } from "./whole-file.ts";

export interface HostState {
  readonly schema: 1;
  /** The journal that commands this host; another must claim it. */
  journal?: string;
  /** Signs the cookies of sticky sessions: made once, so that sessions outlive any restart. */
  stickySecret: string;
  /** Highest accepted, kept when the service is gone: a late command must not bring it back. */
  fences: Record<ServiceKey, Fence>;
  services: Record<ServiceKey, KeptService>;
  replicas: ReplicaRecord[];
  ports: Record<ListenerId, number>;
  tableVersion: number;
  routerPid?: number;
}

interface KeptService {
  desired: DesiredService;
  /** Of every revision that still has replicas, named or not. */
  specs: Record<string, ReplicaSpec>;
  /** Routing that the router confirmed last. */
  inForce?: RoutedService;
  /** To be forgotten once its last replica ended. */
  isRemoved: boolean;
  /** A person's word, which deployments do not change. */
  maintenance?: Maintenance;
  /** Requests cut so far, also on replicas that are gone. */
  cut: Record<string, number>;
}

export function loadState(file: string): HostState {
  const text = readWhole(file);
  const stickySecret = randomBytes(32).toString("base64url");
  if (text === undefined)
    return { schema: 1, stickySecret, fences: {}, services: {}, replicas: [], ports: {}, tableVersion: 0 };
  try {
    return { stickySecret, ...JSON.parse(text) };
  } catch {
    throw new Problem(
      `${file} is damaged`,
      "Restore it, or move it away and start again: the control plane asks for everything anew; end processes named sluice-shim first",
    );
  }
}

export function saveState(file: string, state: HostState): void {
  writeWhole(file, JSON.stringify(state));
}
