// The built page in a real browser, on a recorded journal: light and dark, wide and narrow, live and cut off.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Browser, chromium, type Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { contrastFaults, namelessControls } from "./accessibility.ts";
import { exampleEvents } from "./example.ts";
import { type PageServer, phaseOf, servePage } from "./server.ts";

const places = [process.env.CHROMIUM ?? "", "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = places.find((place) => place !== "" && existsSync(place));
if (executablePath === undefined)
  console.log("skipped: the page in a browser, because no Chromium was found (set CHROMIUM)");

describe.skipIf(executablePath === undefined)("the page", () => {
  const events = exampleEvents(Date.now());
  const folder = mkdtempSync(join(tmpdir(), "sluice-page-"));
  let browser: Browser;
  let server: PageServer;

  beforeAll(async () => {
    const root = join(import.meta.dirname, "..");
    // Vitest says "test", and React would bring its development build.
    vi.stubEnv("NODE_ENV", "production");
    await build({ root, configFile: join(root, "vite.config.ts"), logLevel: "error", build: { outDir: folder } });
    server = await servePage({ folder, events, traffic: () => ({ sent: Date.now() % 1e6, failed: 0, badServed: 63 }) });
    browser = await chromium.launch({ executablePath: executablePath ?? "", args: ["--no-sandbox"] });
  });

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
    vi.unstubAllEnvs();
  });

  const screens = [
    ["#/", "production"],
    ["#/deployments/production-4", "Story"],
    ["#/deployments/production-3", "Story"],
    ["#/deployments/staging-4", "Story"],
    ["#/history", "History"],
    ["#/builds", "shop"],
    ["#/builds/b-2", "shop main 9fceb02d"],
    ["#/projects", "Findings"],
    ["#/projects/client", "Projects"],
  ] as const;

  for (const colorScheme of ["light", "dark"] as const) {
    test.each(screens)(`%s is free of errors, named and legible in the ${colorScheme}`, async (hash, heading) => {
      const { page, errors } = await open(browser, { server, hash, colorScheme });
      await page.getByRole("heading", { name: heading, exact: true }).waitFor();
      if (process.env.SLUICE_SCREENSHOTS !== undefined)
        await page.screenshot({ path: join(process.env.SLUICE_SCREENSHOTS, `${heading}-${colorScheme}.png`) });
      expect(errors).toEqual([]);
      expect(await page.evaluate(namelessControls)).toEqual([]);
      expect(await page.evaluate(contrastFaults)).toEqual([]);
      for (const landmark of ["banner", "navigation", "main"] as const) {
        expect(await page.getByRole(landmark).count(), landmark).toBe(1);
      }
      await page.context().close();
    });
  }

  test.each(screens)("%s fits a phone without scrolling sideways", async (hash, heading) => {
    const { page } = await open(browser, { server, hash, width: 360 });
    await page.getByRole("heading", { name: heading, exact: true }).waitFor();
    if (process.env.SLUICE_SCREENSHOTS !== undefined)
      await page.screenshot({ path: join(process.env.SLUICE_SCREENSHOTS, `phone-${heading}.png`), fullPage: true });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await page.context().close();
  });

  test("a service that says it is degraded shows the part that is not well", async () => {
    const { page } = await open(browser, { server, hash: "#/", colorScheme: "dark" });
    await page.getByText("Degraded", { exact: true }).click();
    await page.getByText("the circuit is open").waitFor();
    expect(await page.getByText("1 of 1 ready").count()).toBe(2);
    if (process.env.SLUICE_SCREENSHOTS !== undefined)
      await page.screenshot({ path: join(process.env.SLUICE_SCREENSHOTS, "health-dark.png"), fullPage: true });
    expect(await page.evaluate(namelessControls)).toEqual([]);
    expect(await page.evaluate(contrastFaults)).toEqual([]);
    await page.context().close();
  });

  test("the steps of a plan are reached by keyboard, and the chosen one is told in words", async () => {
    const { page } = await open(browser, { server, hash: "#/deployments/production-3" });
    const watched = page.getByRole("button", { name: "watched v3 at 50 % of traffic: done" });
    await watched.focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "expense-service: watched v3 at 50 % of traffic" }).waitFor();
    expect(await watched.getAttribute("aria-pressed")).toBe("true");
    await page.context().close();
  });

  test.each([
    ["light", 1280],
    ["dark", 1280],
    ["dark", 360],
  ] as const)("a bake shows its evidence, drawn and as a table, in the %s at %i pixels", async (colorScheme, width) => {
    const { page, errors } = await open(browser, { server, hash: "#/deployments/production-2", colorScheme, width });
    await page.getByRole("button", { name: "watched v2 at 50 % of traffic: done" }).first().click();
    const evidence = page.getByRole("region", { name: /^Evidence of/ });
    await evidence.getByText("odds").first().waitFor();
    expect(await evidence.getByRole("img", { name: /^Odds .* rolled back at/ }).count()).toBe(1);
    await evidence.getByText("The same as a table").click();
    await evidence.getByRole("columnheader", { name: "errors", exact: true }).waitFor();
    await evidence.getByRole("rowheader", { name: "POST /expenses" }).waitFor();
    if (process.env.SLUICE_SCREENSHOTS !== undefined)
      await page.screenshot({
        path: join(process.env.SLUICE_SCREENSHOTS, `evidence-${colorScheme}-${width}.png`),
        fullPage: true,
      });
    expect(errors).toEqual([]);
    expect(await page.evaluate(namelessControls)).toEqual([]);
    expect(await page.evaluate(contrastFaults)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    await page.context().close();
  });

  test("an abort asks why before it acts, and sends the reason", async () => {
    const { page } = await open(browser, { server, hash: "#/deployments/production-4" });
    await page.getByRole("button", { name: "Abort" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Abort" }).click();
    expect(phaseOf(server.events, "production-4"), "nothing is sent without a reason").toBe("running");
    await dialog.getByLabel("Why").fill("wrong branch");
    await dialog.getByRole("button", { name: "Abort" }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByText("ada aborted: wrong branch", { exact: true }).first().waitFor();
    expect(phaseOf(server.events, "production-4")).toBe("turning");
    await page.context().close();
  });

  test("*run* asks for a build and shows what it prints; it can be stopped", async () => {
    const { page, errors } = await open(browser, { server, hash: "#/builds" });
    await page.getByRole("button", { name: "Run shop at main" }).click();
    await page.getByText("It waits for a runner").waitFor();
    await page.getByRole("button", { name: "Cancel" }).waitFor();
    await page.goto(`${server.url}/#/builds/b-1`);
    await page.getByText("app#test  done").waitFor();
    expect(await page.getByRole("button", { name: "Cancel" }).count(), "it has ended").toBe(0);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test("after a cut the page goes on from the last event, and tells a turn to those who listen", async () => {
    const own = await servePage({ folder, events });
    const { page } = await open(browser, { server: own, hash: "#/deployments/production-4" });
    await page.getByRole("heading", { name: "Story" }).waitFor();
    await own.restart();
    own.write("production-4", { kind: "paused", by: "ada", reason: "lunch" });
    await page.getByText("Paused by ada: lunch").waitFor();
    await page
      .locator("[aria-live=polite]", { hasText: "production: ada paused: lunch." })
      .waitFor({ state: "attached" });
    await page.context().close();
    await own.close();
  });

  test("the measures of contrast and names find what is planted", async () => {
    const { page } = await open(browser, { server, hash: "#/history" });
    await page.getByRole("heading", { name: "History" }).waitFor();
    await page.evaluate(() => {
      document.body.insertAdjacentHTML("beforeend", '<p style="color:#999">pale</p><button></button>');
    });
    expect(await page.evaluate(contrastFaults)).toEqual([expect.stringContaining('"pale"')]);
    expect(await page.evaluate(namelessControls)).toEqual(["<button></button>"]);
    await page.context().close();
  });

  test("the whole page is at most 90 kB on the wire", () => {
    const assets = join(folder, "assets");
    const bytes = readdirSync(assets).map((file) => gzipSync(readFileSync(join(assets, file))).length);
    expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(90_000);
  });

  test("without a session the page says how to sign in", async () => {
    const own = await servePage({ folder, events });
    const { page } = await open(browser, { server: own, hash: "#/", isSignedIn: false });
    await page.getByRole("heading", { name: "You are not signed in" }).waitFor();
    await page.getByText("sluice open").waitFor();
    await page.context().close();
    await own.close();
  });

  test("an empty journal tells the next command to type", async () => {
    const own = await servePage({ folder, events: [] });
    const { page } = await open(browser, { server: own, hash: "#/" });
    await page.getByText("sluice deploy").waitFor();
    await page.context().close();
    await own.close();
  });
});

interface Opened {
  readonly server: PageServer;
  readonly hash: string;
  readonly colorScheme?: "light" | "dark";
  readonly width?: number;
  readonly isSignedIn?: boolean;
}

async function open(
  browser: Browser,
  { server, hash, colorScheme = "light", width = 1280, isSignedIn = true }: Opened,
): Promise<{ page: Page; errors: string[] }> {
  const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") errors.push(message.text());
  });
  if (isSignedIn) {
    await page.goto(server.loginUrl);
    await page.waitForURL(`${server.url}/`);
  }
  await page.goto(`${server.url}/${hash}`);
  return { page, errors };
}
