// What the harness's adapter needs of the judge.
export { begin, observe } from "../../src/domain/judge/observe.ts";
export { page } from "../../src/domain/judge/parameters.ts";
export { verdict } from "../../src/domain/judge/verdict.ts";
