// One build: what it is of, how it stands, and what it prints while it prints it.
import { useRef, useState } from "react";
import type { Build } from "../../../src/domain/build.ts";
import { type Answer, ask, buildLog, post, type Refusal } from "../api.ts";
import { ago, fullTime, lasted, useNow } from "../clock.ts";
import { BuildBadge } from "../part/badge.tsx";
import { askerOf, sourceOf } from "../part/build-row.tsx";
import { Empty } from "../part/empty.tsx";
import { Refused } from "../part/refused.tsx";
import { Title } from "../part/title.tsx";
import { useAsked } from "../polled.ts";

type Seen = { readonly build: Build; readonly log: Printed } | "none";

interface Printed {
  readonly text: string;
  /** Bytes that have been read. */
  readonly read: number;
  readonly isCut: boolean;
}

const nothing: Printed = { text: "", read: 0, isCut: false };
/** A browser lays out no more than that while it goes on. */
const shownMaxChars = 500_000;

export function BuildScreen({ id }: { id: string }) {
  const printed = useRef<{ readonly id: string; readonly log: Printed }>(undefined);
  const look = async (): Promise<Answer<Seen>> => {
    const answer = await lookAt(id, printed.current?.id === id ? printed.current.log : nothing);
    if (answer.ok && answer.value !== "none") printed.current = { id, log: answer.value.log };
    return answer;
  };
  const { seen, refusal } = useAsked<Seen>(id, look, 1000);
  if (seen === undefined) return <Refused refusal={refusal} />;
  if (seen === "none")
    return <Empty so={`There is no build ${id} here. To see those that are, type`} type="sluice build ls" />;
  return (
    <>
      <Refused refusal={refusal} />
      <Whole {...seen} />
    </>
  );
}

async function lookAt(id: string, before: Printed): Promise<Answer<Seen>> {
  const found = await ask<{ readonly build: Build }>(`/builds/${encodeURIComponent(id)}`);
  if (!found.ok) {
    const isNone = found.refusal.status === 404 || found.refusal.status === 400;
    return isNone ? { ok: true, value: "none" } : found;
  }
  const bytes = (await buildLog(id, before.read)) ?? new Uint8Array();
  return { ok: true, value: { ...found.value, log: withMore(before, bytes) } };
}

function withMore({ text, read, isCut }: Printed, bytes: Uint8Array): Printed {
  const all = text + new TextDecoder().decode(bytes).replace(colours, "");
  const isLong = all.length > shownMaxChars;
  return { text: isLong ? all.slice(-shownMaxChars) : all, read: read + bytes.length, isCut: isCut || isLong };
}

function Whole({ build, log: { text, isCut } }: { build: Build; log: Printed }) {
  const { state, order } = build;
  return (
    <>
      <Title says={`${state}: ${order.repository} · Sluice`} />
      <div className="deployment-top">
        <Head build={build} />
        {(state === "queued" || state === "running") && <Cancel id={build.id} />}
      </div>
      <section className="card last-words" aria-label="What it printed">
        {isCut && (
          <p className="muted">
            Only the end is shown. All of it: <code>sluice build log {build.id}</code>
          </p>
        )}
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
        <pre tabIndex={0} className="is-whole">
          {text === "" ? waiting(build) : text}
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
      <Refused refusal={refusal} />
    </div>
  );
}
