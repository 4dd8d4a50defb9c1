import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { until } from "../../simulator/oracle/until.ts";
import { type Watcher, watchers } from "../clients.ts";
import { event } from "../events.ts";
import { type Cluster, INGEST_TOKEN, killAll, startCluster, tokenFor } from "../faults/cluster.ts";
import { toCloudEvent } from "../hub.ts";
import { seriousIssues } from "./axe.ts";
import { describeInChromium, launchChromium } from "./chromium.ts";

const ADMIN_TOKEN = "browser-admin-token-that-is-long-enough";
const CONNECTED = { websocket: 3, sse: 2, socketio: 1, polling: 0 };

let browser: Browser;
let hub: Cluster;
let context: BrowserContext;
let page: Page;
let backend: ReturnType<typeof setInterval>;
const open: Watcher[] = [];
const faults: string[] = [];

async function post(...events: readonly Record<string, unknown>[]): Promise<Response> {
  return fetch(`${hub.internalUrl}/api/v1/events`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${INGEST_TOKEN}`,
      "content-type": "application/cloudevents-batch+json",
    },
    body: JSON.stringify(events),
  });
}

/** Whatever a page must not do: fail aloud, ask somebody else, or what its policy forbids. */
function watchFaults(watched: Page): void {
  const { origin } = new URL(hub.internalUrl);
  watched.on("pageerror", ({ message }) => faults.push(message));
  watched.on("console", (message) => {
    // Chromium tells of every 404; that there is no --dev session is one.
    if (message.location().url.endsWith("/dev/session")) return;
    if (message.type() === "error" || message.type() === "warning") faults.push(message.text());
  });
  watched.on("request", (request) => {
    if (new URL(request.url()).origin !== origin) faults.push(`asked ${request.url()}`);
  });
}

async function signIn(where: Page, token: string): Promise<void> {
  await where.fill("input[name=token]", token);
  await where.click("button[type=submit]");
}

async function shows(selector: string, pattern: RegExp): Promise<void> {
  let text = "";
  await until(
    async () => {
      text =
        (await page
          .locator(selector)
          .first()
          .textContent({ timeout: 1_000 })
          .catch(() => null)) ?? "";
      return pattern.test(text);
    },
    `${selector} shows ${pattern}`,
    15_000,
    () => `it shows ${text}`,
  );
}

describeInChromium("the operations page shows the hub as it is", () => {
  beforeAll(async () => {
    [browser, hub] = await Promise.all([
      launchChromium(),
      startCluster("--workers", "2", "--ui", "--admin-token", ADMIN_TOKEN),
    ]);
    const at = { publicUrl: hub.publicUrl, token: tokenFor("anna") };
    for (const kind of ["websocket", "sse", "socketio"] as const) {
      for (let made = 0; made < CONNECTED[kind]; made += 1) open.push(watchers[kind](at));
    }
    await Promise.all(open.map((watcher) => watcher.until(({ syncs }) => syncs === 1, "synced")));
    let bytes = 0;
    backend = setInterval(() => {
      bytes += 1;
      const told = event.progressed(bytes, { jobId: "trip", userId: "anna", totalBytes: 1_000_000 });
      void post(toCloudEvent(told)).catch(() => null);
    }, 100);
    context = await browser.newContext();
    page = await context.newPage();
    watchFaults(page);
    await page.goto(hub.internalUrl);
  });
  afterAll(async () => {
    clearInterval(backend);
    for (const watcher of open) watcher.close();
    await browser?.close();
    killAll();
  });

  it("a wrong token is refused, with the reason, and is not kept", async () => {
    const other = await browser.newPage();
    await other.goto(hub.internalUrl);
    await signIn(other, "some-other-token-that-is-long-enough");
    await other.waitForSelector("[role=alert] >> text=does not accept this admin token");
    await other.reload();
    await other.waitForSelector("input[name=token]");
    expect(await other.locator("[role=alert]").count()).toBe(0);
    await other.close();
  });

  it("the right one opens it, and a reload keeps it", async () => {
    await signIn(page, ADMIN_TOKEN);
    await shows(".top .badge", /^Live$/);
    await page.reload();
    await shows(".top .badge", /^Live$/);
  });

  it("connections by transport, by gateway and by user, as many as there are", async () => {
    await shows("[data-tile=connections]", /6of 1 user$/);
    for (const [transport, count] of Object.entries(CONNECTED))
      await shows(`[data-transport=${transport}] dd`, new RegExp(`^${count}$`));
    const cells = (table: string, row: string) =>
      page.locator(`[data-table=${table}] tr[data-row="${row}"] td`).allTextContents();
    expect(await cells("users", "anna")).toEqual(["6", "1", "3", "2", "0"]);
    expect(await cells("gateways", "all")).toEqual(["6", "1", "3", "2", "0"]);
    const ofGateways = await Promise.all(["gateway-1", "gateway-2"].map((name) => cells("gateways", name)));
    expect(ofGateways.map(([all]) => Number(all)).reduce((sum, count) => sum + count)).toBe(6);
  });

  it("events in, messages out, and how old they are", async () => {
    await shows("[data-tile=events] .big", /^[1-9][\d.]* /);
    await shows("[data-tile=messages] .big", /^[1-9][\d.,]* /);
    await shows("[data-tile=age] .big", /^[\d.]+ m?s$/);
    const charts = await page
      .locator(".plot[role=img]")
      .evaluateAll((plots) =>
        plots.map((plot) => [plot.getAttribute("aria-label"), plot.querySelectorAll("canvas").length]),
      );
    expect(charts.length).toBe(4);
    for (const chart of charts)
      expect(chart).toEqual([expect.stringMatching(/^Lines over time\. .* to .*\.$/), 1]);
  });

  it("every process, with its memory and CPU", async () => {
    for (const name of ["primary", "core", "gateway-1", "gateway-2"]) {
      const row = `[data-table=processes] tr[data-row="${name}"]`;
      await shows(`${row} td:nth-of-type(1)`, /^[\d.]+ %$/);
      await shows(`${row} td:nth-of-type(2)`, /^\d\d+ MB$/);
    }
  });

  it("a rejected event is among the errors, with its time, how many, and what to do", async () => {
    expect((await post({ ...toCloudEvent(event.started()), data: { photoId: "?" } })).status).toBe(422);
    const row = "[data-fault*=invalid_field]";
    await shows(`${row} th`, /^Event rejected invalid_field · photo\.upload\.started$/);
    await shows(`${row} td:first-child`, /^\d\d:\d\d:\d\d$/);
    expect(await page.locator(`${row} .number`).allTextContents()).toEqual(["1", "1"]);
    await shows(`${row} .hint`, /names the event, the field and its rule/);
    await shows("[data-tile=errors] .big", /^1$/);
  });

  it("errors from before it was opened are there too", async () => {
    await page.reload();
    await shows("[data-fault*=invalid_field] td:first-child", /^earlier$/);
    expect(await page.locator("[data-fault*=invalid_field] .number").allTextContents()).toEqual(["0", "1"]);
  });

  it("nothing of all this was an error, against its policy, or asked of anybody else", () => {
    expect(faults).toEqual([]);
  });

  it("says that the hub does not answer, and since when, and that it is back", async () => {
    await context.setOffline(true);
    await shows(".trouble", /has not answered since \d\d:\d\d:\d\d .*below is from \d\d:\d\d:\d\d/);
    await shows(".top .badge", /^No answer$/);
    await context.setOffline(false);
    await shows(".top .badge", /^Live$/);
    expect(await page.locator(".trouble").count()).toBe(0);
  });

  it("a hidden tab asks nothing, and one that is shown again asks at once", async () => {
    const hide = (isHidden: boolean) =>
      page.evaluate((hidden) => {
        Object.defineProperty(document, "hidden", { configurable: true, value: hidden });
        document.dispatchEvent(new Event("visibilitychange"));
      }, isHidden);
    await hide(true);
    await shows(".top .badge", /^Paused$/);
    let asked = 0;
    page.on("requestfinished", () => {
      asked += 1;
    });
    // What was under way is over by then, and somebody who looks would have asked.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(asked).toBeLessThanOrEqual(3);
    asked = 0;
    await hide(false);
    await shows(".top .badge", /^Live$/);
    await until(() => asked >= 3, "it asks again", 2_000);
  });

  it("axe-core finds nothing serious, in light and in dark, on a desktop and on a phone", async () => {
    const bypassing = await browser.newContext({ bypassCSP: true });
    const judged = await bypassing.newPage();
    await judged.goto(hub.internalUrl);
    await judged.waitForSelector("input[name=token]");
    expect(await seriousIssues(judged)).toEqual([]);
    await signIn(judged, ADMIN_TOKEN);
    await judged.waitForSelector("tr[data-row=anna]");
    for (const colorScheme of ["light", "dark"] as const) {
      await judged.emulateMedia({ colorScheme });
      await judged.setViewportSize(
        colorScheme === "light" ? { width: 1280, height: 800 } : { width: 390, height: 844 },
      );
      expect(await seriousIssues(judged)).toEqual([]);
    }
    const width = await judged.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBe(390);
    await bypassing.close();
  });
});
