// Sluice's tables as SQL text that makes them again: what an earlier version wrote, kept as it was (there is no pg_dump
// beside the embedded server). The shape alone, compared, tells whether two databases have the same tables.
import type pg from "pg";

/** Statements that make the tables, functions, constraints and indexes of the schema `sluice`, without rows. */
export async function shapeOf(client: pg.ClientBase): Promise<readonly string[]> {
  await client.query("set search_path to ''"); // every name in full
  return [...(await tables(client)), ...(await functions(client)), ...(await afterRows(client))];
}

/** Everything in the schema `sluice`, rows too, as one text to run in an empty database. */
export async function dump(client: pg.ClientBase): Promise<string> {
  await client.query("set search_path to ''");
  return [
    "set check_function_bodies = off",
    "create schema sluice",
    ...(await tables(client)),
    ...(await functions(client)),
    ...(await rows(client)),
    ...(await afterRows(client)),
    ...(await counters(client)),
  ]
    .map((statement) => `${statement};\n`)
    .join("");
}

const ours = "'sluice'::regnamespace";

interface Table extends Record<string, string> {
  readonly name: string;
  readonly columns: string;
  readonly options: string;
  /** An expression: the values of a row, quoted. */
  readonly values: string;
}

function tablesOf(client: pg.ClientBase): Promise<readonly Table[]> {
  return list<Table>(
    client,
    `select t.oid::regclass::text as name,
       case when t.reloptions is null then '' else format(' with (%s)', array_to_string(t.reloptions, ', ')) end as options,
       string_agg(concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod), case when a.attnotnull then 'not null' end,
         case when a.attidentity = 'a' then 'generated always as identity' end), E',\\n  ' order by a.attnum) as columns,
       string_agg(format('quote_nullable(%I::text)', a.attname), ', ' order by a.attnum) as values
     from pg_class t join pg_attribute a on a.attrelid = t.oid
     where t.relnamespace = ${ours} and t.relkind = 'r' and a.attnum > 0 and not a.attisdropped
     group by t.oid, t.relname order by t.relname`,
  );
}

async function tables(client: pg.ClientBase): Promise<readonly string[]> {
  const all = await tablesOf(client);
  return all.map(({ name, columns, options }) => `create table ${name} (\n  ${columns}\n)${options}`);
}

function functions(client: pg.ClientBase): Promise<readonly string[]> {
  return texts(client, `select pg_get_functiondef(oid) as text from pg_proc where pronamespace = ${ours} order by oid`);
}

async function afterRows(client: pg.ClientBase): Promise<readonly string[]> {
  const defaults = await texts(
    client,
    `select format('alter table %s alter %I set default %s', d.adrelid::regclass, a.attname,
       pg_get_expr(d.adbin, d.adrelid)) as text
     from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
     join pg_class t on t.oid = d.adrelid where t.relnamespace = ${ours} order by 1`,
  );
  const constraints = await texts(
    client,
    `select format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) as text
     from pg_constraint where connamespace = ${ours} and contype in ('p', 'u', 'f', 'c') order by contype = 'f', 1`,
  );
  const indexes = await texts(
    client,
    `select pg_get_indexdef(i.indexrelid) as text from pg_index i join pg_class t on t.oid = i.indrelid
     where t.relnamespace = ${ours} and not exists (select from pg_constraint where conindid = i.indexrelid) order by 1`,
  );
  return [...defaults, ...constraints, ...indexes];
}

async function rows(client: pg.ClientBase): Promise<readonly string[]> {
  const written: string[] = [];
  for (const { name, values } of await tablesOf(client)) {
    const into = `insert into ${name} overriding system value values (`;
    written.push(
      ...(await texts(client, `select '${into}' || concat_ws(', ', ${values}) || ')' as text from ${name} order by 1`)),
    );
  }
  return written;
}

async function counters(client: pg.ClientBase): Promise<readonly string[]> {
  return texts(
    client,
    `select format('select setval(pg_get_serial_sequence(%L, %L), coalesce((select max(%I) from %s), 0) + 1, false)',
       attrelid::regclass, attname, attname, attrelid::regclass) as text
     from pg_attribute a join pg_class t on t.oid = attrelid
     where t.relnamespace = ${ours} and t.relkind = 'r' and attidentity = 'a' order by 1`,
  );
}

async function texts(client: pg.ClientBase, question: string): Promise<readonly string[]> {
  return (await list<{ text: string }>(client, question)).map(({ text }) => text.trimEnd());
}

async function list<Row extends pg.QueryResultRow>(client: pg.ClientBase, question: string): Promise<readonly Row[]> {
  return (await client.query<Row>(question)).rows;
}
