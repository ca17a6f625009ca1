// A year of a workspace's history, before a measurement: deployments that ended, day by day, with the facts of a real run
// and an unbroken chain of hashes, written in bulk into the store's own tables; what is old is then packed by the store.
import { createHash } from "node:crypto";
import pg from "pg";
import { openStore } from "../../src/adapters/postgres/store.ts";
import { canonical } from "../../src/domain/canonical.ts";
import { chained } from "../../src/domain/chain.ts";
import type { Event, Fact } from "../../src/domain/event.ts";
import { intent, service, strategies } from "../../src/testing/intents.ts";
import { record } from "../../src/testing/recording.ts";

export interface Past {
  readonly url: string;
  readonly days: number;
  readonly perDay: number;
  /** They take turns. */
  readonly environments: number;
}

export interface Filled {
  readonly deployments: number;
  readonly events: number;
  readonly packed: number;
}

const dayMs = 86_400_000;
/** What `history.archiveAfterDays` is unless it is set. */
const archiveAfterMs = 90 * dayMs;
const batch = 200;
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** One canary that succeeded, as a script plays it: its facts, and when each came. */
function course(): readonly Pick<Event, "at" | "fact">[] {
  return record({
    id: "past",
    environment: "env",
    release: { id: "r1", version: "1" },
    intent: intent({ web: service(strategies.canary) }),
    by: "bench",
    stands: { web: "web-0" },
    startMs: 0,
    seq: 1,
  });
}

export async function fillPast({ url, days, perDay, environments }: Past): Promise<Filled> {
  const store = await openStore({ url, workspace: "bench", connectionsMax: 4 });
  const client = new pg.Client(url);
  await client.connect();
  const now = await store.now();
  const facts = course();
  const count = days * perDay;
  await client.query(
    `insert into sluice.environments (workspace, name, requests)
     select 'bench', 'env-' || i, (select count(*) from generate_series(0, $2 - 1) n where n % $1 = i)
     from generate_series(0, $1 - 1) i`,
    [environments, count],
  );
  for (let first = 0; first < count; first += batch) {
    const some = Array.from({ length: Math.min(batch, count - first) }, (_, i) => first + i);
    await insert(
      client,
      some.map((index) => ended(index, { facts, environments, at: now - ((count - index) / perDay) * dayMs })),
    );
  }
  await client.query("select setval(pg_get_serial_sequence('sluice.events', 'seq'), $1)", [count * facts.length + 1]);
  let packed = 0;
  for (let more = 1; more > 0; packed += more) more = await store.archive(archiveAfterMs);
  await client.query("analyze"); // autovacuum would have, in a year
  await client.end();
  await store.close();
  return { deployments: count, events: count * facts.length, packed };
}

interface Ended {
  readonly environment: string;
  readonly turn: number;
  readonly events: readonly Event[];
}

interface Course {
  readonly facts: readonly Pick<Event, "at" | "fact">[];
  readonly environments: number;
  readonly at: number;
}

function ended(index: number, { facts, environments, at }: Course): Ended {
  let previous = "";
  const events = facts.map(({ fact, at: sinceMs }, position) => {
    const link = {
      schema: 1,
      workspace: "bench",
      deployment: `past-${index}`,
      position,
      at: Math.round(at + sinceMs),
    } as const;
    const event: Event = { ...link, previous, fact, seq: index * facts.length + position + 1, hash: "" };
    const hash = sha256(chained(event));
    previous = hash;
    return { ...event, hash };
  });
  return { environment: `env-${index % environments}`, turn: Math.floor(index / environments) + 1, events };
}

async function insert(client: pg.Client, all: readonly Ended[]): Promise<void> {
  const last = all.map(({ events }) => events.at(-1) as Event);
  const end = (fact: Fact) => (fact.kind === "ended" ? fact : undefined);
  await client.query(
    `insert into sluice.deployments (id, workspace, environment, turn, release, requested_at, position, hash, last_at,
       is_planned, ended_seq, outcome, stands, looked_at)
     select id, 'bench', environment, turn, '{"id":"r1","version":"1"}', at, position, hash, at, true, seq, 'succeeded',
       stands::jsonb, to_timestamp(at / 1000)
     from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::int[], $6::text[], $7::bigint[], $8::text[])
       as given (id, environment, turn, at, position, hash, seq, stands)`,
    [
      last.map(({ deployment }) => deployment),
      all.map(({ environment }) => environment),
      all.map(({ turn }) => turn),
      last.map(({ at }) => at),
      last.map(({ position }) => position + 1),
      last.map(({ hash }) => hash),
      last.map(({ seq }) => seq),
      last.map(({ fact }) => JSON.stringify(end(fact)?.stands ?? {})),
    ],
  );
  const events = all.flatMap((one) => one.events);
  await client.query(
    `insert into sluice.events (seq, deployment, position, schema, workspace, kind, at, previous, hash, fact)
     overriding system value select seq, id, position, 1, 'bench', kind, at, previous, hash, fact::json
     from unnest($1::bigint[], $2::text[], $3::int[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[])
       as given (seq, id, position, kind, at, previous, hash, fact)`,
    [
      events.map(({ seq }) => seq),
      events.map(({ deployment }) => deployment),
      events.map(({ position }) => position),
      events.map(({ fact }) => fact.kind),
      events.map(({ at }) => at),
      events.map(({ previous }) => previous),
      events.map(({ hash }) => hash),
      events.map(({ fact }) => canonical(fact)),
    ],
  );
}
