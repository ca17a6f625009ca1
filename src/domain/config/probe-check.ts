// What the schema cannot see of probes: each asks one question, and one that has an answer.
import { hasValue, type Loose } from "./loose.ts";
import type { ConfigProblem } from "./problems.ts";

const questions = ["path", "tcp", "command"];

export function probesAskOneThing(config: Loose): readonly ConfigProblem[] {
  return config.at("services").entries.flatMap((service) => {
    const health = service.at("health");
    const isWorker = service.at("kind").value === "worker";
    const more = [health.at("startup"), health.at("liveness")].filter(hasValue);
    return [...(hasValue(health) ? [health] : []), ...more].flatMap((probe) => {
      const asked = questions.filter((name) => hasValue(probe.at(name)));
      if (asked.length > 1)
        return [probe.problem(`asks by ${asked.join(" and ")}`, "Keep one: a probe is one question")];
      if (isWorker && asked.length === 0 && probe !== health)
        return [probe.problem("asks nothing", 'A worker has no /health: add command: "node health.js", or path')];
      return [];
    });
  });
}
