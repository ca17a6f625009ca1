// Our own tables, as forward-only steps: a step that was released is never edited, only followed by another.
//
// Two promises rest on the function `append` and on the locks in it:
// - A fact is written at exactly the position that its writer read up to, or not at all (the deployment's row is locked).
// - A reader of all deployments never skips a fact, though sequence numbers are drawn before they are committed: every
//   append holds the key `appending` shared until it commits; `events_after` holds it alone for a moment, so no append
//   is under way when it looks. (The usual way, reading below pg_snapshot_xmin, waits for the longest transaction of
//   *any* database of the server, and deployed services keep theirs in this one.)
// Locks are taken in this order, so they cannot deadlock: appending, environment, deployment.
export const steps: readonly string[] = [
  `
  create table journal (id uuid not null default gen_random_uuid(), made_at timestamptz not null default now());
  insert into journal default values;

  create table environments (
    workspace text not null,
    name text not null,
    requests bigint not null default 0,
    primary key (workspace, name)
  );

  create table deployments (
    id text primary key,
    workspace text not null,
    environment text not null,
    turn bigint not null,
    release jsonb not null,
    requested_at bigint not null,
    position int not null default 0,
    hash text not null default '',
    last_at bigint not null default 0,
    is_planned boolean not null default false,
    standing_release jsonb,
    ended_seq bigint,
    outcome text,
    stands jsonb,
    due_at timestamptz,
    is_woken boolean not null default false,
    worker text,
    token bigint not null default 0,
    looked_at timestamptz,
    leased_until timestamptz,
    unique (workspace, environment, turn)
  );
  create index on deployments (workspace, due_at) where due_at is not null;
  create index on deployments (workspace, environment, turn) where ended_seq is null;
  create index on deployments (workspace, environment, ended_seq) where ended_seq is not null;
  create index on deployments (workspace, requested_at);

  create table events (
    seq bigint generated always as identity primary key,
    deployment text not null references deployments,
    position int not null,
    schema smallint not null,
    workspace text not null,
    kind text not null,
    at bigint not null,
    previous text not null,
    hash text not null,
    fact json not null,
    unique (deployment, position)
  );
  create index on events (workspace, seq);

  create table evidence (
    deployment text not null,
    node text not null,
    step int not null,
    service text not null,
    start_ms bigint not null,
    counts bytea not null,
    primary key (deployment, node, step, service, start_ms)
  );

  create table releases (
    workspace text not null,
    id text not null,
    version text not null,
    frozen json not null,
    at bigint not null,
    primary key (workspace, id)
  );
  create index on releases (workspace, at);

  create table backing_databases (
    environment text not null,
    name text not null,
    role text not null unique,
    password text not null,
    primary key (environment, name)
  );

  create function now_ms() returns bigint language sql volatile
    as $$ select floor(extract(epoch from clock_timestamp()) * 1000)::bigint $$;

  create function append(
    of_workspace text, of_deployment text, at_position int, of_schema smallint, of_kind text, a_fact text,
    says jsonb, wakes boolean
  ) returns setof events language plpgsql set search_path = sluice as $$
  declare
    place text := says->>'environment';
    d deployments;
    written events;
    moment bigint;
  begin
    perform pg_advisory_xact_lock_shared(hashtext('sluice appending'));
    if of_kind = 'requested' and at_position = 0 then
      insert into environments as known (workspace, name, requests) values (of_workspace, place, 1)
        on conflict (workspace, name) do update set requests = known.requests + 1;
      insert into deployments (id, workspace, environment, turn, release, requested_at)
        select of_deployment, of_workspace, place, known.requests, says->'release', now_ms()
        from environments known where known.workspace = of_workspace and known.name = place
        on conflict (id) do nothing;
    elsif of_kind = 'ended' then
      perform from environments known join deployments own
        on own.workspace = known.workspace and own.environment = known.name
        where own.id = of_deployment for update of known;
    end if;
    select * into d from deployments where id = of_deployment for update;
    if not found or d.position <> at_position then
      return;
    end if;
    moment := greatest(now_ms(), d.last_at);
    insert into events (deployment, position, schema, workspace, kind, at, previous, hash, fact)
      values (d.id, d.position, of_schema, d.workspace, of_kind, moment, d.hash, encode(sha256(convert_to(concat_ws(
        E'\\n', d.hash, of_schema, d.workspace, d.id, d.position, moment, a_fact), 'UTF8')), 'hex'), a_fact::json)
      returning * into written;
    update deployments set position = written.position + 1, hash = written.hash, last_at = written.at where id = d.id;
    if of_kind = 'planned' then
      update deployments set is_planned = true, standing_release = says->'standingRelease' where id = d.id;
    elsif of_kind = 'ended' then
      update deployments set ended_seq = written.seq, outcome = says->>'outcome', stands = says->'stands'
        where id = d.id;
    end if;
    if wakes then
      perform wake(d.id);
    end if;
    if of_kind in ('requested', 'ended') then
      perform wake(next.id) from (
        select id from deployments where workspace = d.workspace and environment = d.environment and ended_seq is null
        order by turn limit 1
      ) next where of_kind = 'ended' or next.id = d.id;
    end if;
    return next written;
  end $$;

  create function wake(which text) returns void language sql set search_path = sluice as $$
    update deployments set due_at = clock_timestamp(), is_woken = true where id = which;
    select pg_notify('sluice_work', '');
  $$;

  create function events_after(of_workspace text, after bigint, rows_max int)
  returns setof events language plpgsql set search_path = sluice as $$
  begin
    if not exists (select from events where workspace = of_workspace and seq > after) then
      return;
    end if;
    perform pg_advisory_xact_lock(hashtext('sluice appending'));
    return query select * from events where workspace = of_workspace and seq > after order by seq limit rows_max;
  end $$;
  `,
  // The process that drove a deployment last is offered it first. Every look writes the row: room beside it, swept often.
  `
  alter table deployments add column last_by text;
  alter table deployments set (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
  `,
  // The whole stream of a deployment that ended long ago, gzipped JSON, beside the hash of its last event.
  `
  create table archives (
    deployment text primary key references deployments,
    head text not null,
    events int not null,
    packed bytea not null,
    at timestamptz not null default now()
  );
  `,
  // What services pushed of their metrics in the last minutes, deflated JSON: any control plane may receive it.
  `
  create table pushed (
    workspace text not null,
    environment text not null,
    service text not null,
    revision text not null,
    replica text not null,
    at_ms bigint not null,
    counters bytea not null,
    primary key (workspace, environment, service, revision, at_ms, replica)
  );
  create index on pushed (at_ms);
  `,
  // Builds by runners, in the order in which they were asked for, and what they printed.
  `
  create table repositories (
    workspace text not null,
    name text not null,
    settings json not null,
    scheduled_ms bigint not null default now_ms(),
    primary key (workspace, name)
  );
  create table builds (
    id text primary key,
    workspace text not null,
    wanted json not null,
    labels text[] not null,
    state text not null default 'queued',
    attempt int not null default 0,
    runner text,
    is_cancelled boolean not null default false,
    because text,
    asked_at timestamptz not null default clock_timestamp(),
    started_at timestamptz,
    ended_at timestamptz,
    leased_until timestamptz
  );
  create index on builds (workspace, asked_at);
  create index on builds (workspace, asked_at) where state in ('queued', 'running');
  create table build_logs (
    build text not null references builds,
    attempt int not null,
    start bigint not null,
    bytes bytea not null,
    primary key (build, attempt, start)
  );
  `,
  // A push that a git server tells again is the same build.
  `
  alter table builds add column delivery text;
  create unique index on builds (workspace, delivery);
  `,
];
