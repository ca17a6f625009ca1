import { expect, test } from "vitest";
import { hashPassword, isPassword } from "./passwords.ts";

test("a password matches its own hash only, and equal passwords have different hashes", async () => {
  const [one, two] = await Promise.all([hashPassword("secret one", 10), hashPassword("secret one", 11)]);
  expect(one).not.toBe(two);
  expect(await Promise.all([isPassword("secret one", one), isPassword("secret one", two)])).toEqual([true, true]);
  expect(await isPassword("secret two", one)).toBe(false);
});
