import { expect, test } from "vitest";
import { mainRef, orderOf, orderOfPush, type Repository } from "./build.ts";

const repository: Repository = {
  name: "shop",
  url: "https://git.example.com/shop.git",
  tasks: ["lint", "test"],
  affected: true,
  branches: ["main", "release/*"],
  trusted: ["main"],
  labels: ["linux"],
};
const push = { commit: "b".repeat(40), by: "ana" };

test("a push to a branch that is built becomes an order for its commit", () => {
  expect(orderOfPush(repository, { ...push, ref: "refs/heads/main" })).toEqual({
    repository: "shop",
    url: "https://git.example.com/shop.git",
    ref: "refs/heads/main",
    commit: "b".repeat(40),
    tasks: ["lint", "test"],
    labels: ["linux"],
    isTrusted: true,
    cause: { kind: "push", by: "ana" },
  });
  for (const ref of ["refs/heads/feature", "refs/tags/main", "refs/pull/7/head", "refs/heads/mainly", "main"])
    expect([ref, orderOfPush(repository, { ...push, ref })]).toEqual([ref, undefined]);
});

test("only reviewed branches are trusted, whoever asks", () => {
  expect(orderOfPush(repository, { ...push, ref: "refs/heads/release/7" })?.isTrusted).toBe(false);
  const asked = (ref: string) => orderOf(repository, ref, { kind: "person", by: "ana" }).isTrusted;
  expect([asked("refs/heads/main"), asked("refs/pull/7/head"), asked("refs/heads/mainx")]).toEqual([
    true,
    false,
    false,
  ]);
});

test("a dot in a branch's name is a dot, and a schedule builds the first branch that is a name", () => {
  const dotted = { ...repository, branches: ["v*", "v1.0"], trusted: ["v1.0"] };
  expect(orderOf(dotted, "refs/heads/v1x0", { kind: "schedule" }).isTrusted).toBe(false);
  expect(mainRef(dotted)).toBe("refs/heads/v1.0");
});
