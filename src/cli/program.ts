// All verbs as one program. They register themselves; each loads its machinery only when it runs, so that help is
// instant.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Command } from "commander";
import { addCommonOptions } from "./verb.ts";
import { affectedVerb } from "./verbs/affected.ts";
import { buildVerb, repositoryVerb, runnerVerb } from "./verbs/build.ts";
import { cacheVerb } from "./verbs/cache.ts";
import { completionVerb } from "./verbs/completion.ts";
import { demoVerb } from "./verbs/demo.ts";
import { deployVerb } from "./verbs/deploy.ts";
import { diffVerb } from "./verbs/diff.ts";
import { doctorVerb } from "./verbs/doctor.ts";
import { evidenceVerb } from "./verbs/evidence.ts";
import { graphVerb } from "./verbs/graph.ts";
import { healthVerb } from "./verbs/health.ts";
import { historyVerb } from "./verbs/history.ts";
import { hostVerb } from "./verbs/host.ts";
import { initVerb } from "./verbs/init.ts";
import { jobsVerb, jobVerb } from "./verbs/jobs.ts";
import { judgeVerb } from "./verbs/judge.ts";
import { loginVerb, logoutVerb, whoamiVerb } from "./verbs/login.ts";
import { logsVerb } from "./verbs/logs.ts";
import { maintenanceVerb } from "./verbs/maintenance.ts";
import { metricsVerb } from "./verbs/metrics.ts";
import { drillVerb, restartVerb, retireVerb } from "./verbs/orders.ts";
import { planVerb } from "./verbs/plan.ts";
import { rollbackVerb } from "./verbs/rollback.ts";
import { runVerb } from "./verbs/run.ts";
import { simulateVerb } from "./verbs/simulate.ts";
import { statusVerb } from "./verbs/status.ts";
import { steerVerbs } from "./verbs/steer.ts";
import { downVerb, openVerb, upVerb } from "./verbs/up.ts";
import { watchVerb } from "./verbs/watch.ts";
import { whyVerb } from "./verbs/why.ts";
import { whyMissVerb } from "./verbs/why-miss.ts";

/** As help lists them. */
const verbs: Readonly<Record<string, readonly ((program: Command) => void)[]>> = {
  "Set up": [initVerb, doctorVerb, upVerb, downVerb, openVerb, loginVerb, logoutVerb, whoamiVerb, hostVerb],
  Deploy: [planVerb, diffVerb, simulateVerb, deployVerb, watchVerb, statusVerb],
  Steer: [steerVerbs],
  "Go back": [rollbackVerb, drillVerb],
  "Keep running": [restartVerb, retireVerb, maintenanceVerb, jobsVerb, jobVerb],
  Look: [historyVerb, logsVerb, healthVerb, evidenceVerb, whyVerb, judgeVerb, metricsVerb],
  Workspace: [graphVerb, affectedVerb, runVerb, whyMissVerb, cacheVerb],
  "Builds by runners": [repositoryVerb, buildVerb, runnerVerb],
  Further: [demoVerb, completionVerb],
};

export function makeProgram(): Command {
  const program = addCommonOptions(new Command("sluice"))
    .description("From commit to production for TypeScript monorepos, a little traffic at a time.")
    .version(version(), "-V, --version", "print the version")
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .addHelpText("after", '\nStart with "sluice init". "sluice help exit-codes" lists exit statuses.')
    .exitOverride();
  for (const [group, registers] of Object.entries(verbs)) {
    program.commandsGroup(`${group}:`);
    for (const register of registers) register(program);
  }
  program.addHelpCommand(
    new Command("help").argument("[command]").description("print the help of a command").helpGroup("Further:"),
  );
  for (const command of program.commands) command.exitOverride();
  return program;
}

function version(): string {
  for (let at = import.meta.dirname; dirname(at) !== at; at = dirname(at)) {
    try {
      const { name, version }: { name?: string; version?: string } = JSON.parse(
        readFileSync(join(at, "package.json"), "utf8"),
      );
      if (name === "sluice" && version !== undefined) return version;
    } catch {
      // Not this folder: its parent may be the package.
    }
  }
  return "unknown";
}
