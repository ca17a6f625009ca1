// Results of a run as JUnit XML, which every CI system shows.
import type { Result } from "../../workspace/tasks/result.ts";

export function junit(results: readonly Result[]): string {
  const failed = results.filter((r) => r.outcome === "failed").length;
  const skipped = results.filter((r) => r.outcome === "skipped" || r.outcome === "stopped").length;
  const totalMs = results.reduce((sum, r) => sum + r.durationMs, 0);
  const cases = results.map((r) => `    ${testCase(r)}`).join("\n");
  const counts = `tests="${results.length}" failures="${failed}" skipped="${skipped}" time="${seconds(totalMs)}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n  <testsuite name="sluice" ${counts}>\n${cases}\n  </testsuite>\n</testsuites>\n`;
}

function testCase({ id, outcome, durationMs, note }: Result): string {
  const hash = id.lastIndexOf("#");
  const open = `<testcase classname="${escaped(id.slice(0, hash))}" name="${escaped(id.slice(hash + 1))}" time="${seconds(durationMs)}"`;
  if (outcome === "failed") return `${open}><failure message="${escaped(note ?? "failed")}"/></testcase>`;
  if (outcome === "skipped" || outcome === "stopped") return `${open}><skipped message="${outcome}"/></testcase>`;
  return `${open}/>`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c] ?? c);
}
