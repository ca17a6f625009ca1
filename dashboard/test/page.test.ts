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

  test("of a long log the end is shown, each byte of it once, however often it is asked for", async () => {
    const { page } = await open(browser, { server, hash: "#/builds" });
    const log = Buffer.from(Array.from({ length: 60_000 }, (_, n) => `line ${n}\n`).join(""));
    let asked = 0;
    await page.route("**/builds/b-2/log?*", (route) => {
      const from = Number(new URL(route.request().url()).searchParams.get("from"));
      asked += 1;
      return route.fulfill({ body: log.subarray(from, asked === 1 ? log.length / 2 : log.length) });
    });
    await page.goto(`${server.url}/#/builds/b-2`);
    await page.getByText("sluice build log b-2").waitFor();
    await expect.poll(() => page.locator("pre").textContent()).toMatch(/line 59998\nline 59999\n$/);
    await expect.poll(() => asked, { timeout: 10_000 }).toBeGreaterThan(2);
    const shown = (await page.locator("pre").textContent()) ?? "";
    expect(shown).toBe(log.toString().slice(-shown.length));
    await page.context().close();
  });

  test("among 500 projects one is found by its name, drawn with what is near, and told beside it", async () => {
    const { page, errors } = await open(browser, { server, hash: "#/builds", width: 360 });
    const needs = (n: number) => (n === 0 ? [] : [{ project: 0, by: "declared" }]);
    const projects = Array.from({ length: 500 }, (_, n) => ({
      name: `p-${n}`,
      dir: `packages/p-${n}`,
      needs: needs(n),
    }));
    await page.route("**/releases?*", (route) => route.fulfill({ json: { releases: [{ id: "r-1", version: "7" }] } }));
    await page.route("**/releases/r-1", (route) =>
      route.fulfill({ json: { release: { projects: { projects, findings: [] } } } }),
    );
    await page.goto(`${server.url}/#/projects`);
    await page.getByText("p-1, p-2, p-3, p-4, p-5, p-6, p-7, p-8 and 491 more").waitFor();
    await page.getByLabel("Name, folder or tag").fill("P-49");
    await page.getByText("11 of 500").waitFor();
    await page.getByRole("link", { name: "p-499" }).click();
    await page.getByText("500 projects").waitFor();
    expect(await page.locator("tbody th").allTextContents()).toEqual(["p-499", "p-0"]);
    await page
      .getByRole("row", { name: /packages.p-0/ })
      .getByRole("link")
      .click();
    await page.getByText("there are more around it").waitFor();
    expect(await page.locator("svg rect.project").count()).toBe(31);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test.each([
    ["#/builds", "**/repositories"],
    ["#/builds/b-1", "**/builds/b-1"],
  ] as const)("%s says why there is no answer, and goes on when there is", async (hash, path) => {
    const { page } = await open(browser, { server, hash: "#/" });
    const answer = { status: 503, json: { detail: "the database is away", mend: "It is tried again" } };
    await page.route(path, (route) => route.fulfill(answer));
    await page.goto(`${server.url}/${hash}`);
    await page.getByRole("alert").getByText("the database is away. It is tried again").waitFor();
    await page.unroute(path);
    await page.getByText("the database is away").waitFor({ state: "detached" });
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
