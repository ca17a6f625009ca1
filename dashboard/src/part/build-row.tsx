// One build as a line: how it stands, of what, who asked or why it ended, when.
import type { Build } from "../../../src/domain/build.ts";
import { ago, fullTime, useNow } from "../clock.ts";
import { hashOf } from "../place.ts";
import { BuildBadge } from "./badge.tsx";

export function BuildRow({ build: { id, state, order, because, askedAt } }: { build: Build }) {
  const now = useNow();
  return (
    <li className="deployment-row">
      <a href={hashOf({ screen: "build", id })}>
        <BuildBadge state={state} />
        <b>{order.repository}</b>
        <span className="muted">{sourceOf(order)}</span>
        <span className="why">{because ?? order.tasks.join(" ")}</span>
        <time className="muted" dateTime={new Date(askedAt).toISOString()} title={fullTime(askedAt)}>
          {askerOf(order)}, {ago(askedAt, now)}
        </time>
      </a>
    </li>
  );
}

export function sourceOf({ ref, commit }: Build["order"]): string {
  return `${ref.replace("refs/heads/", "")} ${commit?.slice(0, 8) ?? ""}`.trim();
}

export function askerOf({ cause }: Build["order"]): string {
  return cause.kind === "schedule" ? "schedule" : cause.by;
}
