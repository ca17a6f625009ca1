import { expect, test } from "vitest";
import { addressOf } from "./address.ts";

test("an environment is asked by its name once it has a certificate, and by the machine's address until then", () => {
  const domain = "shop.example";
  expect(addressOf({ domain, isSecure: false, port: 8080 })).toBe("http://127.0.0.1:8080");
  expect(addressOf({ domain, isSecure: true, port: 8443 })).toBe("https://shop.example:8443");
  expect(addressOf({ domain, isSecure: true, port: 443 })).toBe("https://shop.example");
});
