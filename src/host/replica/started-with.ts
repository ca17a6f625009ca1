// What the shim is given: the command as its user on this machine, or the runtime that starts it inside of an image.
import type { Container } from "../api.ts";
import type { Limits } from "./cgroup.ts";
import { enterContainer, whyNotContained } from "./container.ts";
import { asUser, userEnvironment, whyNotAs } from "./other-user.ts";
import { whyNotStartable } from "./shim.ts";

export interface Startable extends Limits {
  readonly folder: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly container?: Container;
}

/** Why it cannot be started at all, or undefined. */
export function whyNotStarted(spec: Startable): string | undefined {
  if (spec.container !== undefined && spec.command.length === 0)
    return "its image names no command, and the service no start";
  if (spec.container !== undefined) return whyNotContained(spec.user);
  return whyNotStartable(spec) ?? (spec.user === undefined ? undefined : whyNotAs(spec.user, spec.folder));
}

export function startedWith(
  spec: Startable,
  { run, env }: { readonly run: string; readonly env: Readonly<Record<string, string>> },
): { readonly command: readonly string[]; readonly env: Readonly<Record<string, string>> } {
  const { container, command, user } = spec;
  if (container === undefined) return { command: asUser(user, command), env: { ...userEnvironment(user), ...env } };
  // The container's values are in its bundle, not in the runtime's own environment.
  return { command: enterContainer(run, { container, command, env, user, limits: spec }), env: {} };
}
