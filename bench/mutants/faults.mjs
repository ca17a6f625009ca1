// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is planted is source text
// Deliberate faults, one at a time: where, what the source says, what it says instead. A snippet must be there exactly once;
// when the source has moved on, `npm run mutants` fails and names the fault, so that it is planted anew.

const next = "src/domain/next.ts";
const change = "src/domain/change.ts";
const retreat = "src/domain/retreat.ts";
const plan = "src/domain/plan.ts";
const strategy = "src/domain/strategy.ts";
const moves = "src/domain/moves.ts";
const seen = "src/domain/seen.ts";
const limits = "src/domain/limits.ts";
const worker = "src/engine/worker.ts";
const attempts = "src/engine/attempts.ts";
const advance = "src/engine/advance.ts";
const reading = "src/engine/reading.ts";
const comparison = "src/engine/comparison.ts";
const guard = "src/engine/exposure.ts";
const absolute = "src/domain/absolute.ts";
const returns = "src/domain/return-target.ts";
const watch = "src/engine/watch.ts";
const schema = "src/adapters/postgres/schema.ts";
const claims = "src/adapters/postgres/claims.ts";
const store = "src/adapters/postgres/store.test.ts";
const crowd = "src/adapters/postgres/many-workers.test.ts";

export const faults = [
  // Reading back, and capacity
  fault("skips the read-back of weights", seen, "...wrongWeights(seen, asked.frame)]", "]"),
  fault(
    "is content with half of the weight",
    seen,
    "Math.abs(wanted - reported) < 0.005",
    "Math.abs(wanted - reported) < 50",
  ),
  fault("does not wait for replicas to be ready", seen, "return ready >= wanted ? []", "return ready >= 0 ? []"),
  fault("shifts before the candidate is ready", moves, "[grown, shifted, to]", "[shifted, to]"),
  fault("shrinks before it shifts", moves, "[grown, shifted, to]", "[grown, to]"),
  fault("chooses a frame that overloads what is ready", attempts, "if (overloaded !== undefined)", "if (false)"),
  fault(
    "looks before it brings the artifact",
    attempts,
    "if (isNew) await publish(target, asked.frame);\n  const seen = await target.observe();",
    "const seen = await target.observe();\n  if (isNew) await publish(target, asked.frame);",
  ),
  fault(
    "judges what it saw before it asked",
    attempts,
    "return { ...assess(after, asked), seen: after };",
    'return { kind: "held", seen: after };',
  ),
  fault("does not see a crash loop", seen, "if (share?.broken === undefined) return false;", "if (seen) return false;"),
  fault(
    "lets both sides of a recreate run together",
    seen,
    "return share.capacity > 0 || running === 0 ? []",
    "return running >= 0 ? []",
  ),
  fault(
    "rounds replicas down",
    "src/domain/frame.ts",
    "Math.ceil((capacity * size) / 100 - 1e-9)",
    "Math.floor((capacity * size) / 100)",
  ),
  fault("sees no drift of weights", seen, "return short || wrongWeights(seen, frame).length > 0;", "return short;"),
  fault(
    "sees no missing replica",
    seen,
    "return short || wrongWeights(seen, frame).length > 0;",
    "return wrongWeights(seen, frame).length > 0;",
  ),
  fault(
    "counts no broken replica against the allowed share",
    seen,
    "wanted - Math.floor((wanted * failureShare) / 100)",
    "0",
  ),
  // The old side, waves, the way back
  fault(
    "gives a canary's stable side only what it needs",
    strategy,
    "[sides.stable]: { capacity: 100, traffic: 100 - weight },",
    "[sides.stable]: { capacity: 100 - weight, traffic: 100 - weight },",
  ),
  fault(
    "retires the old side before the last bake has ended",
    plan,
    "settle(node, serviceOf(intent, node.id), end)",
    "settle(node, serviceOf(intent, node.id), [node.id])",
  ),
  fault("moves all waves at once", "src/domain/waves.ts", "before === undefined ? first : idsOf(before)", "first"),
  fault(
    "takes the first wave back first",
    retreat,
    "Math.max(...open.map(([name]) => depth(run, name)))",
    "Math.min(...open.map(([name]) => depth(run, name)))",
  ),
  fault(
    "takes all waves back at once",
    retreat,
    ".filter(([name]) => depth(run, name) === deepest)",
    ".filter(([name]) => depth(run, name) <= deepest)",
  ),
  fault(
    "leaves services that moved before where they are",
    retreat,
    "const touched = held.length > 1 ||",
    "const touched =",
  ),
  fault(
    "goes back over what is asked for, not what held",
    moves,
    "both(b, a, Math.max), routes: a.routes",
    "both(a, b, Math.max), routes: b.routes",
  ),
  fault(
    "forgets the deadline of a retreat",
    retreat,
    "if (late === undefined) return undefined;\n  const because = `${late} could",
    "if (late !== undefined || late === undefined) return undefined;\n  const because = `${late} could",
  ),
  fault(
    "relies on the candidate while going back",
    retreat,
    "Object.keys(frame.revisions).filter((revision) => origin.revisions[revision] !== undefined)",
    "Object.keys(frame.revisions)",
  ),
  fault(
    "turns a retreat again",
    change,
    'if (run.phase.kind === "retreating" || run.phase.kind === "ended") return {};',
    "",
  ),
  fault(
    "rolls the last service back only",
    retreat,
    'return { kind: "retreat", cause, paths: pathsBack(run) };\n}\n\nfunction asks',
    'return { kind: "retreat", cause, paths: Object.fromEntries(Object.entries(pathsBack(run)).slice(-1)) };\n}\n\nfunction asks',
  ),
  // Verdicts and gates
  fault("treats errored as pass", next, 'if (verdict === "pass")', 'if (verdict === "pass" || verdict === "errored")'),
  fault(
    "treats inconclusive as pass",
    next,
    'if (verdict === "pass")',
    'if (verdict === "pass" || verdict === "inconclusive")',
  ),
  fault(
    "rolls back when there is too little data",
    next,
    '(verdict === "inconclusive" || verdict === "errored") && run.hold === undefined',
    "false",
  ),
  fault("ignores a failed verdict", change, 'fact.verdict === "fail" ?', 'fact.verdict === ("never" as string) ?'),
  fault(
    "counts a bake that was cut short as passed",
    limits,
    "if (!isOver) return early",
    "if (!isOver && observed.elapsedMs < observed.lastsMs / 2) return early",
  ),
  fault("lets a silent metric source pass", limits, "if (observed.sourceDown !== undefined)", "if (false)"),
  fault("lets a failed check pass", limits, "if (failed !== undefined)", "if (false)"),
  fault("counts one person twice towards a quorum", change, ".approvals.filter((a) => a.by !== fact.by)", ".approvals"),
  fault(
    "lets anyone approve",
    next,
    "step.policy.roles.length === 0 || a.roles.some((r) => step.policy.roles.includes(r))",
    "true",
  ),
  fault(
    "waits for an approval for ever",
    next,
    "if (now - state.since < step.withinMs) return undefined;",
    "if (now > 0) return undefined;",
  ),
  fault(
    "takes an unanswered approval for a yes",
    next,
    'return { kind: "step failed", ...at, because: `nobody approved',
    'return { kind: "step done", ...at, note: `nobody approved',
  ),
  fault("goes on though a person paused", next, "const waits = run.paused !== undefined &&", "const waits = false &&"),
  fault(
    "undoes a move on its way when a person pauses",
    attempts,
    " && hasDrifted(seen, task.asked, planned.size)",
    "",
  ),
  fault("holds for ever", retreat, "now - hold.since < plan.hold.withinMs", "true"),
  fault(
    "ends a hold forward",
    retreat,
    'return { kind: "retreat", cause: { kind: "hold expired", because }',
    'return { kind: "promoted", by: "nobody", full: true }; return { kind: "retreat", cause: { kind: "hold expired", because }',
  ),
  fault(
    "does not ask where it was told to ask",
    retreat,
    'return run.plan?.onFailure === "hold" && isOwn;',
    "return false;",
  ),
  // Evidence
  fault(
    "judges old intervals",
    reading,
    "const untilMs = known.tally.last?.endMs ?? since;",
    "const untilMs = known.tally.last?.endMs ?? since - 600_000;",
  ),
  fault(
    "reads intervals twice",
    reading,
    "const untilMs = known.tally.last?.endMs ?? since;",
    "const untilMs = since;",
  ),
  fault("does not keep evidence", reading, "await ports.evidence.put(at, fresh);", ""),
  fault("forgets evidence when it restarts", reading, "await ports.evidence.get(at)", "[]"),
  fault("drops a gap in the evidence", reading, "return [...gaps, one];", "return [one];"),
  fault("takes its own absence for the source's", reading, "Math.max(untilMs, awayUntil), words", "untilMs, words"),
  fault("forgets the bakes before this one", comparison, "index <= task.index)", "index === task.index)"),
  // Workers
  fault(
    "lets a worker act without a lease",
    worker,
    "if (!(await claims.renew(claim, leaseMs))) throw lost(claim);",
    "await claims.renew(claim, leaseMs);",
  ),
  fault(
    "says what it found after its lease",
    worker,
    "if (clock.now() - claim.askedAt >= leaseMs) throw lost(claim);",
    "",
  ),
  fault(
    "drops a gap in which nobody looked",
    worker,
    "if (run === undefined || claim.gapMs === 0 ||",
    "if (claim.gapMs >= 0 ||",
  ),
  fault(
    "loses a gap that it could not write down",
    worker,
    "if (hasTakenUp || claim.gapMs === 0)",
    "if (claim.gapMs >= 0)",
  ),
  fault(
    "gives a step more patience than it has",
    change,
    "Math.max(since, Math.min(since + gapMs, now))",
    "since + gapMs",
  ),
  fault("gives no patience back for a gap", change, "Math.max(since, Math.min(since + gapMs, now))", "since"),
  fault(
    "forgets the fence",
    attempts,
    "return { journal: ports.journal.id, seq: run.seq };",
    "return { journal: ports.journal.id, seq: 0 };",
  ),
  fault(
    "has a fence that outranks everyone",
    attempts,
    "return { journal: ports.journal.id, seq: run.seq };",
    "return { journal: ports.journal.id, seq: 1e9 };",
  ),
  fault(
    "believes that its fact was written",
    worker,
    "event === undefined ? await this.#caughtUp(run.id) : fold([event], run)",
    "fold(event === undefined ? [] : [event], run) && { ...run, position: run.position + 1 }",
  ),
  fault("asks only when it sees a need", attempts, "const isNew = known?.key !== key;", "const isNew = false;"),
  // Jobs and steps
  fault(
    "acts before it says that a job starts",
    attempts,
    'if (state.attempt === 0) return { fact: { kind: "job started", ...at, attempt: 1 }, dueInMs: 0 };',
    "",
  ),
  fault(
    "runs a job under a new key each time",
    attempts,
    "const key = `${run.id}/${node.id}/${index}/${state.attempt}`;",
    "const key = `${run.id}/${node.id}/${index}/${ports.clock.now()}`;",
  ),
  fault("goes on after a failed job", attempts, 'if (answer.state === "failed")', "if (false)"),
  fault(
    "takes no answer for a failure",
    advance,
    'const isOver = task.kind === "attempt" &&',
    'const isOver = task.kind === "attempt" ||',
  ),
  fault(
    "is patient for ever",
    attempts,
    "if (around.ports.clock.now() - state.since < step.withinMs) return { dueInMs: soonMs",
    "if (around.ports.clock.now() > 0) return { dueInMs: soonMs",
  ),
  fault("skips a step", change, "Math.max(node.step, done + 1)", "Math.max(node.step, done + 2)"),
  fault(
    "lets dependents' patience run while they wait",
    change,
    "{ ...(nodes[id] ?? fresh(at)), since: at }",
    "nodes[id] ?? fresh(at)",
  ),
  fault("plans again though it is not its turn", attempts, "if (!turn)", "if (false)"),
  fault(
    "brings a candidate's config but not its artifact",
    attempts,
    "if (share.capacity > 0) await target.publish(revision);",
    "",
  ),
  // Sample sizes, exposure, what comes after the end, returns
  fault("ends a bake before its shortest time", limits, "observed.elapsedMs < observed.earliestMs || ", ""),
  fault(
    "passes under the minimum of requests",
    "src/domain/judge/verdict.ts",
    "state.step.compared.candidate >= p.minimumRequests",
    "state.step.compared.candidate >= 0",
  ),
  fault(
    "holds a handful of requests against a limit",
    absolute,
    "if (of < limit.minimumRequests) return",
    "if (of < 0) return",
  ),
  fault("blames a release for a shared incident", absolute, "beyond.find((one) => !isShared(limit, one))", "beyond[0]"),
  fault("ignores an exposure budget", guard, "if (requests + pending >= requestsMax)", "if (false)"),
  fault(
    "notices an exposure budget when it is overdrawn",
    guard,
    "if (requests + pending >= requestsMax)",
    "if (requests > requestsMax)",
  ),
  fault(
    "forgets who has seen a candidate when it restarts",
    guard,
    "?? exposedTo({ requests: 0 }, await ports.evidence.get(at))",
    "?? []",
  ),
  fault(
    "leaves a candidate its traffic though its budget is spent",
    next,
    "isWithdrawn ? withdrawnFrom(stood, service) : stood",
    "stood",
  ),
  fault(
    "takes back at the first sight of a condition",
    watch,
    "return heldMs >= condition.forMs ?",
    "return heldMs >= 0 ?",
  ),
  fault("takes back without asking", watch, "manualApprovalRequired === true", "manualApprovalRequired === undefined"),
  fault("watches what another release has replaced", watch, 'if (standing === "gone")', "if (false)"),
  fault(
    "takes a handful of errors after the end for harm",
    "src/domain/watch.ts",
    "if (requests < condition.minimumRequests) return undefined;",
    "",
  ),
  fault(
    "returns to a release that was taken back",
    returns,
    "run.full !== undefined || wasTakenBack(run, history)",
    "run.full !== undefined",
  ),
  fault(
    "returns to a release whose gates were skipped",
    returns,
    "run.full !== undefined || wasTakenBack(run, history)",
    "wasTakenBack(run, history)",
  ),
  fault("returns forward", returns, "endedAt <= brought.requestedAt", "endedAt >= 0"),
  fault(
    "reads no release that an earlier version froze",
    "src/domain/config/config.ts",
    "if (gone.length === 0)",
    "if (gone.length >= 0)",
    ["src/domain/config/config.test.ts"],
  ),
  // Where the fence and the position bind: slower suites, on real parts
  fault(
    "has a host that obeys an older command",
    "src/host/host.ts",
    "present.journal === fence.journal && fence.seq < present.seq",
    "false",
    ["src/adapters/targets/processes/late-worker.test.ts"],
  ),
  fault("writes a fact at whatever position comes", schema, "d.position <> at_position", "false", [store]),
  fault(
    "prolongs a lease that another has taken",
    claims,
    "where id = $1 and token = $2 and leased_until",
    "where id = $1 and leased_until",
    [store],
  ),
  fault(
    "offers first what has waited least",
    claims,
    "order by due_at + case when",
    "order by due_at desc, due_at + case when",
    [crowd],
  ),
  fault(
    "asks the database once for each worker",
    "src/adapters/postgres/together.ts",
    "const asked = waiting;\n      waiting = [];",
    "const asked = waiting.splice(0, 1);",
    [crowd],
  ),
  fault(
    "polls while nothing is due",
    "src/adapters/postgres/waiting.ts",
    "(await queue.dueInMs()) ?? timeoutMs",
    "(await queue.dueInMs()) ?? 50",
    [crowd],
  ),
  fault("leaves facts out of the chain", "src/domain/chain.ts", "position, at, canonical(fact)]", "position, at]", [
    store,
  ]),
  fault("gives back a lease that has run out", claims, " and d.leased_until > clock_timestamp()`", "`", [store]),
];

/** It changes nothing, so it must survive: `npm run mutants -- --only "changes nothing"` shows that a survivor is told. */
export const harmless = fault("changes nothing", seen, "return ready >= wanted ? []", "return wanted <= ready ? []");

/** Planted in `file` in place of `from`; `suites` only where the usual ones do not reach. */
function fault(name, file, from, to, suites) {
  return { name, file, from, to, suites };
}
