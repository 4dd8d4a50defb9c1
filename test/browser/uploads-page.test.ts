import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { killAll } from "../faults/cluster.ts";
import { seriousIssues } from "./axe.ts";
import { describeInChromium, launchChromium } from "./chromium.ts";
import { type DevHub, startBuiltDevHub } from "./dev-hub.ts";
import { transportOf, untilConnected } from "./page.ts";

let browser: Browser;
let hub: DevHub;

describeInChromium("the uploads page of a hub with --dev", () => {
  beforeAll(async () => {
    browser = await launchChromium();
    hub = await startBuiltDevHub();
  });
  afterAll(async () => {
    await browser.close();
    await hub.stop();
    killAll();
  });

  /** Signed in as demo by itself; what is amiss in the console, or comes from elsewhere, is in `problems`. */
  async function open(
    options: Parameters<Browser["newContext"]>[0] = {},
  ): Promise<{ page: Page; problems: string[] }> {
    const page = await (await browser.newContext(options)).newPage();
    const problems: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") problems.push(message.text());
    });
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("request", (request) => {
      if (new URL(request.url()).origin !== new URL(hub.publicUrl).origin) problems.push(request.url());
    });
    await page.goto(hub.publicUrl);
    await untilConnected(page);
    return { page, problems };
  }

  it("shows simulated uploads over each transport, without a word in the console or to anybody else", async () => {
    const { page, problems } = await open();
    await page.click("text=8 photos");
    await page.waitForSelector(".job [role=progressbar]");
    for (const [choice, transport] of [
      ["SSE", "sse"],
      ["Polling", "polling"],
      ["WebSocket", "websocket"],
    ] as const) {
      await page.selectOption("select", { label: choice });
      await page.waitForSelector(`.badge[data-transport=${transport}]`);
      await untilConnected(page);
      // What was shown stays while the transport changes.
      expect(await page.locator(".job").count()).toBe(1);
      expect(await transportOf(page)).toBe(transport);
    }
    await page.waitForSelector(".job:not([data-status=UPLOADING])", { timeout: 30_000 });
    expect(problems).toEqual([]);
  });

  it("asks for a token where there is none, and says what is wrong with one", async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    // As a hub without --dev.
    await page.route("**/dev/session", (route) => route.fulfill({ status: 404, body: "{}" }));
    await page.goto(hub.publicUrl);
    await page.fill("input[name=token]", "nonsense");
    await page.keyboard.press("Enter");
    await page.waitForSelector("text=the hub does not accept the token");
    await page.fill("input[name=token]", hub.token);
    await page.keyboard.press("Enter");
    await untilConnected(page);
    expect(await page.locator("input[name=token]").count()).toBe(0);
    await page.click("text=Sign out");
    await page.waitForSelector("input[name=token]");
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
    expect(page.url()).not.toContain(hub.token);
  });

  it("is used by the keyboard alone", async () => {
    const { page } = await open();
    const focused = () => page.evaluate(() => document.activeElement?.textContent ?? "");
    for (let tabs = 0; tabs < 12 && (await focused()) !== "8 photos"; tabs += 1)
      await page.keyboard.press("Tab");
    expect(await focused()).toBe("8 photos");
    const before = await page.locator(".job").count();
    await page.keyboard.press("Enter");
    await page.waitForFunction((count) => document.querySelectorAll(".job").length > count, before);
    const toggle = page.locator(".job .toggle").first();
    await toggle.focus();
    const wasOpen = await toggle.getAttribute("aria-expanded");
    await page.keyboard.press("Space");
    expect(await toggle.getAttribute("aria-expanded")).not.toBe(wasOpen);
  });

  it("tells a screen reader of beginnings and endings, and not of each percent", async () => {
    const { page } = await open();
    await page.evaluate(() => {
      const said: string[] = [];
      Object.assign(window, { said });
      const status = document.querySelector("[role=status]");
      if (status === null) throw new Error("there is no live region");
      const hear = (): unknown => said.push(status.textContent ?? "");
      new MutationObserver(hear).observe(status, { childList: true, characterData: true, subtree: true });
    });
    await page.click("text=8 photos");
    await page.waitForSelector(".job[data-status=UPLOADING]");
    const said = () => page.evaluate(() => (window as unknown as { said: string[] }).said);
    await expect
      .poll(said, { timeout: 30_000 })
      .toContainEqual(expect.stringMatching(/: uploading 8 photos$/));
    const [title] = (await said())
      .filter((text) => text.includes("uploading"))
      .map((text) => text.split(":")[0]);
    await expect
      .poll(said, { timeout: 30_000 })
      .toContainEqual(expect.stringMatching(new RegExp(`^${title}: (Done|Failed)`)));
    // Of the jobs of the tests before, too.
    expect((await said()).length).toBeLessThan(6);
  });

  it("axe finds nothing serious: light and dark, on a desktop and on a phone", async () => {
    const { page } = await open({ bypassCSP: true });
    await page.click("text=Many failures");
    await page.waitForSelector(".photo[data-status=FAILED]", { timeout: 30_000 });
    for (const width of [1_280, 390]) {
      for (const colorScheme of ["light", "dark"] as const) {
        await page.setViewportSize({ width, height: 844 });
        await page.emulateMedia({ colorScheme });
        expect([width, colorScheme, await seriousIssues(page)]).toEqual([width, colorScheme, []]);
        // Nothing sticks out to the right.
        const beyondPx = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect(beyondPx).toBeLessThanOrEqual(0);
      }
    }
  });

  it("axe finds nothing serious in a list of thousands, nor where it asks for a token", async () => {
    const { page } = await open({ bypassCSP: true });
    await page.click("text=2,000 photos");
    // All of them are listed when they have ended; where all went well the card has closed.
    const card = ".job:first-child:not([data-status=UPLOADING])";
    await page.waitForSelector(`${card} >> text=2,000 photos`, { timeout: 30_000 });
    const closed = page.locator(`${card} .toggle[aria-expanded=false]`);
    if ((await closed.count()) > 0) await closed.click();
    await page.waitForSelector(`${card} .long [aria-posinset]`);
    expect(await seriousIssues(page)).toEqual([]);
    await page.route("**/dev/session", (route) => route.fulfill({ status: 404, body: "{}" }));
    await page.reload();
    await page.fill("input[name=token]", "nonsense");
    await page.keyboard.press("Enter");
    await page.waitForSelector("[role=alert]");
    expect(await seriousIssues(page)).toEqual([]);
  });

  it("signs in by a link that is opened in a tab that shows it already", async () => {
    const { page } = await open();
    await page.evaluate((token) => {
      location.hash = `token=${token}`;
    }, hub.token);
    await page.waitForSelector("text=Sign out");
    expect(page.url()).not.toContain(hub.token);
  });

  it("says that tabs can't share a connection where they can't", async () => {
    const page = await (await browser.newContext()).newPage();
    // As over plain HTTP, but for this machine.
    await page.addInitScript(() => Object.defineProperty(Navigator.prototype, "locks", { value: undefined }));
    await page.goto(hub.publicUrl);
    await untilConnected(page);
    expect(await page.locator("text=six connections").count()).toBe(0);
    await page.selectOption("select", { label: "SSE" });
    await page.waitForSelector("text=six connections");
  });
});
