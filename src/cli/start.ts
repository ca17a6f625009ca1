#!/usr/bin/env node
// The way in. The verbs that people wait for a hundred times a day (graph, affected, run) go straight to their work, in one
// small file; every other command line goes to the whole tool in main.ts, which knows all options.

type Kind = "flag" | "value" | "list";
type Values = Record<string, true | string | string[]>;
type Quick = Readonly<{ options: Readonly<Record<string, Kind>>; run: (given: Given) => Promise<void> }>;
type Given = Readonly<{ words: readonly string[]; values: Values }>;

const quick: Readonly<Record<string, Quick>> = {
  graph: {
    options: { json: "flag", dot: "flag", edges: "value" },
    run: async ({ values }) => {
      const { printGraph } = await import("./workspace/print-graph.ts");
      await printGraph(process.cwd(), { edges: "all", ...values });
    },
  },
  affected: {
    options: { json: "flag", explain: "flag", base: "value", head: "value", task: "list" },
    run: async ({ values }) => {
      const { printAffected } = await import("./workspace/print-affected.ts");
      await printAffected(process.cwd(), values);
    },
  },
  run: {
    options: {
      json: "flag",
      quiet: "flag",
      force: "flag",
      affected: "flag",
      "keep-going": "flag",
      base: "value",
      concurrency: "value",
      filter: "list",
    },
    run: async ({ words, values }) => {
      const { runVerbIn } = await import("./workspace/run-tasks.ts");
      await runVerbIn(process.cwd(), words, values);
    },
  },
};

/** The command line where every part of it is surely known; undefined sends it to the whole tool. */
function understood([verb = "", ...rest]: readonly string[]): (() => Promise<void>) | undefined {
  const found = Object.hasOwn(quick, verb) ? quick[verb] : undefined;
  if (!found) return undefined;
  const words: string[] = [];
  const values: Values = {};
  for (let i = 0; i < rest.length; i++) {
    const part = rest[i] ?? "";
    if (!part.startsWith("-")) {
      words.push(part);
      continue;
    }
    const name = part.slice(2);
    const kind = part.startsWith("--") && Object.hasOwn(found.options, name) ? found.options[name] : undefined;
    const next = rest[i + 1];
    const camel = name.replace(/-(.)/g, (_, c: string) => c.toUpperCase());
    if (kind === "flag") values[camel] = true;
    else if (kind === "value" && next !== undefined && !next.startsWith("-")) {
      values[camel] = next;
      i++;
    } else if (kind === "list") {
      const list: string[] = [];
      for (let item = rest[i + 1]; item !== undefined && !item.startsWith("-"); item = rest[++i + 1]) list.push(item);
      if (list.length === 0) return undefined;
      values[camel] = list;
    } else return undefined;
  }
  if ((verb === "run") !== words.length > 0) return undefined;
  return () => found.run({ words, values });
}

async function start(): Promise<void> {
  const straight = understood(process.argv.slice(2));
  try {
    if (straight) return await straight();
  } catch (error) {
    const [{ Problem }, { exitCodes, exitFor }, { printError }] = await Promise.all([
      import("../domain/problem.ts"),
      import("./exit.ts"),
      import("./screen.ts"),
    ]);
    // What came from a part that is bundled apart (a wrong configuration, before anything was done) the whole tool knows.
    const isForeign = error instanceof Error && "mend" in error && !(error instanceof Problem);
    if (!isForeign) {
      printError(error, { isJson: process.argv.includes("--json"), isVerbose: false });
      process.exitCode = exitCodes[exitFor(error)].status;
      return;
    }
  }
  const main = "./main.js"; // beside this file once built; a bundle of its own
  await import(main);
}

void start();
