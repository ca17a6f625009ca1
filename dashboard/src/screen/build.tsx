// One build: what it is of, how it stands, and what it prints while it prints it.
import { useState } from "react";
import type { Build } from "../../../src/domain/build.ts";
import { ask, buildLog, post, type Refusal } from "../api.ts";
import { ago, fullTime, lasted, useNow } from "../clock.ts";
import { BuildBadge } from "../part/badge.tsx";
import { askerOf, sourceOf } from "../part/build-row.tsx";
import { Empty } from "../part/empty.tsx";
import { Title } from "../part/title.tsx";
import { usePolled } from "../polled.ts";

type Seen = { readonly build: Build; readonly log: string } | "none";

export function BuildScreen({ id }: { id: string }) {
  const seen = usePolled(id, () => look(id), 1000);
  if (seen === undefined) return null;
  if (seen === "none")
    return <Empty so={`There is no build ${id} here. To see those that are, type`} type="sluice build ls" />;
  return <Whole {...seen} />;
}

async function look(id: string): Promise<Seen | undefined> {
  const found = await ask<{ readonly build: Build }>(`/builds/${encodeURIComponent(id)}`);
  if (!found.ok) return found.refusal.status === 404 || found.refusal.status === 400 ? "none" : undefined;
  const log = await buildLog(id);
  return log === undefined ? undefined : { ...found.value, log };
}

function Whole({ build, log }: { build: Build; log: string }) {
  const { state, order } = build;
  return (
    <>
      <Title says={`${state}: ${order.repository} · Sluice`} />
      <div className="deployment-top">
        <Head build={build} />
        {(state === "queued" || state === "running") && <Cancel id={build.id} />}
      </div>
      <section className="card last-words" aria-label="What it printed">
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
        <pre tabIndex={0} className="is-whole">
          {log === "" ? waiting(build) : log.replace(colours, "")}
        </pre>
      </section>
    </>
  );
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: what terminals take for colours begins with one
const colours = /\u001b\[[\d;]*[A-Za-z]/g;

function Head({
  build: { id, state, order, because, askedAt, startedAt, endedAt, runner, attempt },
}: {
  build: Build;
}) {
  const now = useNow();
  const facts = [
    order.isTrusted ? undefined : "not trusted: it sees no secret",
    runner === undefined ? undefined : `on ${runner}`,
    attempt > 1 ? `attempt ${attempt}` : undefined,
    startedAt === undefined ? undefined : `for ${lasted((endedAt ?? now) - startedAt)}`,
  ];
  return (
    <div className="deployment-head">
      <div>
        <h1>
          {order.repository} <span className="muted">{sourceOf(order)}</span>
        </h1>
        <BuildBadge state={state} />
      </div>
      <p className="sentence">{because ?? order.tasks.join(", ")}</p>
      <p className="muted">
        {id}, asked for by {askerOf(order)}{" "}
        <time dateTime={new Date(askedAt).toISOString()} title={fullTime(askedAt)}>
          {ago(askedAt, now)}
        </time>
        {facts.map((fact) => fact !== undefined && `, ${fact}`)}
      </p>
    </div>
  );
}

function waiting({ state, order }: Build): string {
  if (state !== "queued") return "Nothing yet.";
  const labels = order.labels.length === 0 ? "" : ` with ${order.labels.join(", ")}`;
  return `It waits for a runner${labels}: sluice runner`;
}

function Cancel({ id }: { id: string }) {
  const [refusal, setRefusal] = useState<Refusal>();
  const cancel = async (): Promise<void> => {
    const answer = await post(`/builds/${id}/cancel`, {});
    setRefusal(answer.ok ? undefined : answer.refusal);
  };
  return (
    <div className="verbs">
      <button type="button" className="verb is-back" onClick={cancel}>
        Cancel
      </button>
      <p role="alert" className="refusal">
        {refusal !== undefined && `${refusal.so}. ${refusal.mend}`}
      </p>
    </div>
  );
}
