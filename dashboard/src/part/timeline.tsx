// Every fact of a deployment in plain words, newest first.
import type { Event, Fact } from "../../../src/domain/event.ts";
import { story } from "../../../src/domain/prose.ts";
import { clockTime, fullTime } from "../clock.ts";
import { Icon, type IconName } from "./icon.tsx";

export function Timeline({ events }: { events: readonly Event[] }) {
  return (
    <ol className="timeline">
      {[...story(events)].reverse().map(({ event, sentence }) => {
        const { icon, tone } = lookOf(event.fact);
        return (
          <li key={event.position} className={`is-${tone}`}>
            <Icon name={icon} />
            <time dateTime={new Date(event.at).toISOString()} title={fullTime(event.at)}>
              {clockTime(event.at)}
            </time>
            <span>{sentence}</span>
          </li>
        );
      })}
    </ol>
  );
}

interface Look {
  readonly icon: IconName;
  readonly tone: "good" | "bad" | "warn" | "calm";
}

const looks: Record<Fact["kind"], Look> = {
  requested: { icon: "person", tone: "calm" },
  planned: { icon: "gate", tone: "calm" },
  "job started": { icon: "job", tone: "calm" },
  "step done": { icon: "done", tone: "calm" },
  "step failed": { icon: "stop", tone: "bad" },
  judged: { icon: "watch", tone: "calm" },
  approved: { icon: "person", tone: "good" },
  refused: { icon: "person", tone: "bad" },
  "on hold": { icon: "hand", tone: "warn" },
  retreat: { icon: "back", tone: "bad" },
  "walked back": { icon: "back", tone: "calm" },
  paused: { icon: "pause", tone: "warn" },
  unpaused: { icon: "job", tone: "calm" },
  promoted: { icon: "skip", tone: "calm" },
  "abort asked": { icon: "stop", tone: "warn" },
  superseded: { icon: "stop", tone: "calm" },
  retried: { icon: "job", tone: "calm" },
  resumed: { icon: "live", tone: "calm" },
  ended: { icon: "done", tone: "good" },
  "given up": { icon: "failed", tone: "bad" },
  "budget spent": { icon: "hand", tone: "warn" },
  triggered: { icon: "watch", tone: "bad" },
  "return refused": { icon: "stop", tone: "bad" },
  "return asked": { icon: "back", tone: "calm" },
};

function lookOf(fact: Fact): Look {
  if (fact.kind === "judged" && fact.verdict !== "pass" && fact.verdict !== "watching") {
    return { icon: fact.verdict === "fail" ? "stop" : "unknown", tone: fact.verdict === "fail" ? "bad" : "warn" };
  }
  if (fact.kind === "ended" && fact.outcome !== "succeeded") {
    return { icon: fact.outcome === "rolled back" ? "back" : "failed", tone: "bad" };
  }
  return looks[fact.kind];
}
