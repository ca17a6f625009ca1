// More kinds of change than the shared matrices have, each with a known answer; same programs, same verdicts.
//   node bench/workspace/more-cases.mjs --ws DIR --adapter bench/workspace/adapter.json [--tool turbo] [--only CASE,...]
// --ws is a workspace made by the monorepo generator (see bench.mjs for where its tools are looked for).
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { monorepoTools } from "./tools.mjs";

const tools = monorepoTools();
if (!tools) {
  console.log("skipped: the monorepo generator and its cases are not here (set MONOREPO_TOOLS to their folder)");
  process.exit();
}
const affected = await import(path.join(tools, "affected-matrix.mjs"));
const soundness = await import(path.join(tools, "soundness.mjs"));
const { main } = await import(path.join(tools, "cases.mjs"));

const none = new Set();
const middle = (w) => 1 + Math.floor(w.N / 8);
const lockOf = (w, change) => w.json("package-lock.json", change);
const reachOf = (w, seed) => ({ must: w.reach(seed), may: w.reach(seed, true) });

/** In a clone: such marks would outlive the case. */
function hiddenEdit(w, i, mark) {
  const to = w.at("..", "hidden");
  fs.rmSync(to, { recursive: true, force: true });
  execFileSync("git", ["clone", "-q", "--branch", "case", w.ws, to], { stdio: "ignore" });
  execFileSync("git", ["-C", to, "update-index", mark, w.src(i)]);
  fs.appendFileSync(path.join(to, w.src(i)), "export const hidden = 1;\n");
  return to;
}

const ofAffected = [
  [
    "lock-reformatted",
    "the lock file written with other white space: nobody",
    (w) => {
      w.write("package-lock.json", JSON.stringify(JSON.parse(w.read("package-lock.json")), null, 4));
      w.commit();
      return { must: none };
    },
  ],
  [
    "lock-reordered",
    "the lock file's entries in another order: nobody",
    (w) => {
      lockOf(w, (l) => ({ ...l, packages: Object.fromEntries(Object.entries(l.packages).reverse()) }));
      w.commit();
      return { must: none };
    },
  ],
  [
    "override",
    "an override and what it does to the lock file: who resolves to it",
    (w) => {
      const users = w.usersOf("ext-0395");
      w.json("package.json", (p) => ({ ...p, overrides: { "ext-0395": "1.99.0" } }));
      lockOf(w, (l) => {
        Object.assign(l.packages["node_modules/ext-0395"], { version: "1.99.0", integrity: "sha512-AAAA" });
      });
      w.commit();
      return reachOf(w, users);
    },
  ],
  [
    "nested-version",
    "one package gets a version of its own in its node_modules: it and its dependents",
    (w) => {
      const i = middle(w);
      const [name] = Object.keys(JSON.parse(w.read(`${w.pkg(i)}/package.json`)).dependencies).filter((d) =>
        d.startsWith("ext-"),
      );
      lockOf(w, (l) => {
        l.packages[`${w.pkg(i)}/node_modules/${name}`] = {
          ...l.packages[`node_modules/${name}`],
          version: "1.98.0",
          integrity: "sha512-BBBB",
        };
      });
      w.commit();
      return reachOf(w, [i]);
    },
  ],
  [
    "dependency-added",
    "a package declares one more registry dependency: it and its dependents",
    (w) => {
      const i = middle(w);
      w.json(`${w.pkg(i)}/package.json`, (p) => {
        p.dependencies["ext-0001"] = "^1.0.0";
      });
      lockOf(w, (l) => {
        l.packages[w.pkg(i)].dependencies["ext-0001"] = "^1.0.0";
      });
      w.commit();
      return reachOf(w, [i]);
    },
  ],
  [
    "package-moved",
    "a package's directory moved to apps/: it and its dependents",
    (w) => {
      const i = middle(w);
      const to = w.pkg(i).replace("packages/", "apps/");
      w.git("mv", w.pkg(i), to);
      lockOf(w, (l) => {
        l.packages[to] = l.packages[w.pkg(i)];
        delete l.packages[w.pkg(i)];
        l.packages[`node_modules/${w.P[i].name}`].resolved = to;
      });
      w.commit();
      return reachOf(w, [i]);
    },
  ],
  [
    "package-renamed",
    "a package with another name: those that named the old one",
    (w) => {
      const i = middle(w);
      const dependents = w.dependents(i);
      w.json(`${w.pkg(i)}/package.json`, (p) => {
        p.name = "@bench/renamed";
      });
      w.commit();
      const must = w.reach(dependents);
      must.delete(i);
      return { must, may: w.reach([i], true), others: ["@bench/renamed"] };
    },
  ],
  [
    "glob-removed",
    "apps/* is no longer part of the workspace: nobody that stays and needs none of it",
    (w) => {
      w.json("package.json", (p) => {
        p.workspaces = ["packages/*"];
      });
      w.commit();
      return { must: none, may: w.all() };
    },
  ],
  [
    "mode-only",
    "a source made executable: its package",
    (w) => {
      const i = middle(w);
      fs.chmodSync(w.at(w.src(i)), 0o755);
      w.commit();
      return reachOf(w, [i]);
    },
  ],
  [
    "file-to-link",
    "a source replaced by a symbolic link: its package",
    (w) => {
      const i = middle(w);
      const [a, b] = w.sourceFiles(i);
      fs.rmSync(w.at(w.src(i, a)));
      fs.symlinkSync(`${b}.ts`, w.at(w.src(i, a)));
      w.commit();
      return reachOf(w, [i]);
    },
  ],
  [
    "staged",
    "added to the index, not committed",
    (w) => {
      w.append(w.src(middle(w)));
      w.git("add", "-A");
      return reachOf(w, [middle(w)]);
    },
  ],
  [
    "staged-then-undone",
    "staged, and taken back in the working tree only: nobody",
    (w) => {
      const i = middle(w);
      const old = w.read(w.src(i));
      w.append(w.src(i));
      w.git("add", "-A");
      w.write(w.src(i), old);
      return { must: none };
    },
  ],
  [
    "assume-unchanged",
    "an edit that git was told not to see",
    (w) => {
      const i = middle(w);
      return { ...reachOf(w, [i]), options: { cwd: hiddenEdit(w, i, "--assume-unchanged") } };
    },
  ],
  [
    "skip-worktree",
    "an edit in a file marked skip-worktree",
    (w) => {
      const i = middle(w);
      return { ...reachOf(w, [i]), options: { cwd: hiddenEdit(w, i, "--skip-worktree") } };
    },
  ],
  [
    "user-configuration",
    "git configured to colour, quote and detect renames",
    (w) => {
      for (const [k, v] of [
        ["color.ui", "always"],
        ["diff.renames", "copies"],
        ["core.quotePath", "true"],
        ["diff.noprefix", "true"],
        ["status.relativePaths", "false"],
        ["diff.external", "false"],
      ])
        w.git("config", k, v);
      const i = middle(w);
      w.git("mv", w.src(i), `${w.pkg(i + 1)}/src/größe.ts`);
      w.commit();
      return reachOf(w, [i, i + 1]);
    },
  ],
  [
    "linked-worktree",
    "asked from a linked worktree",
    (w) => {
      w.append(w.src(middle(w)));
      w.commit();
      const to = w.at("..", "linked");
      fs.rmSync(to, { recursive: true, force: true });
      w.git("worktree", "prune");
      w.git("worktree", "add", "-q", "--detach", to, "case");
      return { ...reachOf(w, [middle(w)]), options: { cwd: to } };
    },
  ],
  [
    "shallow-clone",
    "a clone of depth 1 without the base: an error or everything, never nothing",
    (w) => {
      w.append(w.src(middle(w)));
      w.commit();
      const to = w.at("..", "shallow");
      fs.rmSync(to, { recursive: true, force: true });
      execFileSync("git", ["clone", "-q", "--depth", "1", "--branch", "case", `file://${w.ws}`, to]);
      execFileSync("git", ["-C", to, "remote", "remove", "origin"]);
      return { must: w.all(), errorOk: true, options: { cwd: to } };
    },
  ],
  [
    "shallow-clone-with-origin",
    "a clone of depth 1 whose origin has the base: what is needed is fetched",
    (w) => {
      w.append(w.src(middle(w)));
      w.commit();
      const to = w.at("..", "shallow");
      fs.rmSync(to, { recursive: true, force: true });
      execFileSync("git", ["clone", "-q", "--depth", "1", "--branch", "case", `file://${w.ws}`, to]);
      return {
        ...reachOf(w, [middle(w)]),
        errorOk: true,
        options: { base: w.git("rev-parse", "base").trim(), cwd: to },
      };
    },
  ],
  [
    "new-package-untracked",
    "a new package, nothing of it added: the new one only",
    (w) => {
      w.write(
        "packages/fresh/package.json",
        JSON.stringify({ name: "@bench/fresh", version: "1.0.0", scripts: { build: "true" } }),
      );
      return { must: none, others: ["@bench/fresh"] };
    },
  ],
  [
    "root-dependency",
    "a tool of the root bumped in the lock file: every package may use it",
    (w) => {
      lockOf(w, (l) => {
        Object.assign(l.packages["node_modules/typescript"], { version: "5.9.99", integrity: "sha512-CCCC" });
      });
      w.commit();
      return { must: w.all() };
    },
  ],
  [
    "import-added",
    "an import of a package that is not declared appears: it is an edge from now on",
    (w) => {
      const i = w.N - 1;
      w.append(w.src(i), `import "${w.P[w.N - 2].name}";\n`);
      w.commit();
      w.append(w.src(w.N - 2));
      return { must: w.reach([i, w.N - 2]), may: w.reach([i, w.N - 2], true) };
    },
  ],
  [
    "commented-import",
    "an import in a comment is none",
    (w) => {
      const i = w.N - 1;
      w.append(
        w.src(i),
        `// import "${w.P[0].name}";\n/* require("${w.P[1].name}") */\nconst text = \`import "${w.P[2].name}"\`;\n`,
      );
      w.commit("one");
      const seed = w.git("rev-parse", "HEAD").trim();
      w.append(w.src(1));
      w.commit("two");
      return { must: w.reach([1]), may: w.reach([1], true), options: { base: seed } };
    },
  ],
];

const { ok, bad, first, expectRan, setBuild, BUILD } = soundness;
const wipe = (w) => {
  for (const p of w.P) fs.rmSync(w.at(p.dir, "dist"), { recursive: true, force: true });
};
const ofSoundness = [
  [
    "dotenv",
    "a .env that git ignores changes what a task may read",
    (w) => {
      w.write(`${w.pkg(0)}/.env`, "A=1\n");
      first(w);
      w.write(`${w.pkg(0)}/.env`, "A=2\n");
      return expectRan(w, w.build(), new Set([0]), w.reach([0], true));
    },
  ],
  [
    "env-unset-is-not-empty",
    "a declared variable that is unset differs from an empty one",
    (w) => {
      setBuild(w, 0, `${BUILD(w, 0)} && echo \${BENCH_MODE-unset} > dist/mode.txt`);
      w.wipe();
      w.build();
      w.build({ BENCH_MODE: "" });
      return w.read(`${w.pkg(0)}/dist/mode.txt`).trim() === "" ? ok() : bad("STALE", "the unset value was served");
    },
  ],
  [
    "command-changed",
    "another script: the package and its dependents run",
    (w) => {
      first(w);
      setBuild(w, middle(w), `${BUILD(w, middle(w))} && true`);
      return expectRan(w, w.build(), w.reach([middle(w)]), w.reach([middle(w)], true));
    },
  ],
  [
    "pre-script",
    "a prebuild script appears: it runs",
    (w) => {
      first(w);
      w.json(`${w.pkg(0)}/package.json`, (p) => {
        p.scripts.prebuild = "true";
      });
      return expectRan(w, w.build(), w.reach([0]), w.reach([0], true));
    },
  ],
  [
    "output-directory-replaced",
    "dist replaced by a link to elsewhere: what it leads to is not written",
    (w) => {
      first(w);
      const away = fs.mkdtempSync(path.join(w.at(".."), "away-"));
      fs.writeFileSync(path.join(away, "mine.txt"), "mine");
      fs.rmSync(w.at(w.pkg(0), "dist"), { recursive: true });
      fs.symlinkSync(away, w.at(w.pkg(0), "dist"));
      w.build();
      const kept = fs.readdirSync(away).join();
      const d = w.distDiff(0);
      return kept !== "mine.txt" ? bad("STALE", `wrote through the link: ${kept}`) : d ? bad("STALE", d) : ok();
    },
  ],
  [
    "output-file-mode",
    "an output whose mode was changed by hand comes back",
    (w) => {
      first(w);
      fs.chmodSync(w.at(w.pkg(0), "dist/index.ts"), 0o600);
      w.build();
      return fs.statSync(w.at(w.pkg(0), "dist/index.ts")).mode & 0o044 ? ok() : bad("weak", "mode stayed 0600");
    },
  ],
  [
    "two-runs-at-once",
    "two runs side by side: each package built once, all right",
    async (w) => {
      w.wipe();
      const [a, b] = [soundness.start(w), soundness.start(w)];
      const codes = await Promise.all([a.done, b.done]);
      const ran = w.read("runs.log").split("\n").length - 1;
      const d = w.distDiffAny();
      return codes.some(Boolean)
        ? bad("error", `exits ${codes}`)
        : d
          ? bad("STALE", d)
          : ran > w.N
            ? bad("over", `${ran} ran`)
            : ok(`${ran} ran`);
    },
  ],
  [
    "two-runs-one-killed",
    "kill -9 of one of two runs: the other ends well",
    async (w) => {
      w.wipe();
      const [a, b] = [soundness.start(w), soundness.start(w)];
      await soundness.until(() => w.exists("runs.log") && w.read("runs.log").split("\n").length > w.N / 3);
      a.kill();
      const code = await b.done;
      w.build();
      const d = w.distDiffAny();
      return code ? bad("error", `exit ${code}`) : d ? bad("STALE", d) : ok();
    },
  ],
  [
    "same-size-same-second",
    "an edit of the same size right after a run",
    (w) => {
      first(w);
      const s = w.read(w.src(0));
      w.write(
        w.src(0),
        s.replace(/[a-z]/, (c) => (c === "z" ? "a" : "z")),
      );
      return expectRan(w, w.build(), w.reach([0]), w.reach([0], true));
    },
  ],
  [
    "undeclared-import-source",
    "a package that is imported without being declared changes: its importer runs",
    (w) => {
      first(w);
      const [from, to] = w.truth.undeclared[0];
      w.append(w.src(to));
      const r = w.build();
      return r.ran.has(from) ? expectRan(w, r, w.reach([to], true)) : bad("STALE", "the importer did not run");
    },
  ],
  [
    "cache-read-only",
    "a cache that cannot be written: the run succeeds",
    (w) => {
      w.wipe();
      fs.writeFileSync(w.at(".sluice"), "");
      const r = w.build();
      fs.rmSync(w.at(".sluice"), { force: true });
      return r.rc ? bad("error", r.out.trim().slice(-120)) : r.count === w.N ? ok() : bad("STALE", `${r.count} ran`);
    },
  ],
  [
    "failure-then-keep",
    "what failed is not kept, what it waits for is",
    (w) => {
      w.wipe();
      setBuild(w, w.N - 1, `${BUILD(w, w.N - 1)} && exit 3`);
      w.build();
      wipe(w);
      const r = w.build();
      return r.rc === 0
        ? bad("STALE", "a failure became a hit")
        : r.ran.has(w.N - 1)
          ? ok(`${r.ran.size} ran again`)
          : bad("STALE", "the failure did not run again");
    },
  ],
];

const entry = ([name, about, make]) => ({ name, about, make, run: make });
const half = (list, { run, summary }, title) => main(title, list.map(entry), run, summary);
await half(ofAffected, affected, "more-cases.mjs");
await half(ofSoundness, soundness, "more-cases.mjs");
