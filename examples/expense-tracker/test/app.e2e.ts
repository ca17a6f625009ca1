// A person's way through the built app in a real browser.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import { build, preview } from "vite";
import { expect, test } from "vitest";
import { startTally } from "./tally.ts";

const candidates = [
  process.env.CHROMIUM_PATH,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];
const executablePath = candidates.find((path) => path !== undefined && existsSync(path));
if (!executablePath) console.log("skipped: no Chromium (install it, or set CHROMIUM_PATH)");

test.skipIf(!executablePath)(
  "a person signs up, records, changes and deletes an expense, and signs out and in",
  async () => {
    const tally = await startTally();
    if (!tally || !executablePath) return;
    process.env.GATEWAY_URL = tally.url;
    await build({ root: "apps/web", logLevel: "warn" });
    const site = await preview({ root: "apps/web", logLevel: "warn", preview: { port: 0, host: "127.0.0.1" } });
    const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];
    const browser = await chromium.launch({ executablePath, args });
    try {
      const page = await browser.newPage({ locale: "en-GB" });
      await page.goto(site.resolvedUrls?.local[0] ?? "");
      await page.getByLabel("Name").fill("Ada");
      await page.getByLabel("E-mail").fill("not an address");
      await page.getByLabel(/Password/).fill("correct horse");
      await page.getByRole("button", { name: "Create account" }).click();
      await page.getByText("This is not an e-mail address").waitFor();
      const email = `e2e-${crypto.randomUUID()}@example.com`;
      await page.getByLabel("E-mail").fill(email);
      await page.getByRole("button", { name: "Create account" }).click();

      await page.getByRole("button", { name: "Add expense" }).click();
      await page.getByLabel(/Amount/).fill("12,50");
      await page.getByLabel("Note").fill("Cinema with Charles");
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByRole("button", { name: /Cinema with Charles/ }).click();
      await page.getByLabel(/Amount/).fill("20");
      await page.getByRole("button", { name: "Save" }).click();
      await page.locator(".total", { hasText: "€20.00" }).waitFor();

      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByLabel("E-mail").fill(email);
      await page.getByLabel(/Password/).fill("correct horse");
      await page.getByRole("button", { name: "Sign in" }).first().click();
      await page.getByRole("button", { name: /Cinema with Charles/ }).click();
      await page.getByRole("button", { name: "Delete" }).click();
      await page.getByText("Nothing spent yet").waitFor();
      expect(await page.locator(".total").textContent()).toBe("€0.00");
    } finally {
      await browser.close();
      await site.close();
      await tally.stop();
    }
  },
);
