import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { until } from "../../simulator/oracle/until.ts";
import { type Cluster, INGEST_TOKEN, killAll, startCluster, tokenFor } from "../faults/cluster.ts";
import { describeInChromium, launchChromium } from "./chromium.ts";
import { endingsShown, openUploads, untilBegun, untilConnected, untilEnded, wentBackwards } from "./page.ts";
import { type SimulatedUpload, startUpload } from "./uploads.ts";

// Over HTTP/1.1, which is all that a hub without TLS has, a browser opens six connections to a host: seven streams of
// their own would be one too many, and a reload of any tab would hang.

let browser: Browser;
let hub: Cluster;
let run = 0;

describeInChromium("tabs of one browser share a connection", () => {
  beforeAll(async () => {
    browser = await launchChromium();
    hub = await startCluster("--workers", "1", "--ui");
  });
  afterAll(async () => {
    await browser.close();
    await hub.stop();
    killAll();
  });
  beforeEach(() => {
    run += 1;
  });

  const userId = (): string => `tabs-${run}`;

  function upload(photos: number, userId: string, jobId = `job-${run}`): SimulatedUpload {
    const to = { internalUrl: hub.internalUrl, ingestToken: INGEST_TOKEN };
    return startUpload({ ...to, userId, jobId, seed: run, photos });
  }

  /** The first of them leads. */
  async function open(context: BrowserContext, count: number, user = userId()): Promise<Page[]> {
    const first = await openOne(context, user);
    const others = Array.from({ length: count - 1 }, () => openOne(context, user));
    return [first, ...(await Promise.all(others))];
  }

  async function openOne(context: BrowserContext, user: string): Promise<Page> {
    const page = await openUploads(context, hub.publicUrl, tokenFor(user));
    await page.selectOption("select[aria-label=Transport]", "sse");
    await page.waitForSelector(".top .badge[data-phase=live][data-transport=sse]");
    return page;
  }

  async function areRight(pages: readonly Page[], { jobId, endings, sent }: SimulatedUpload): Promise<void> {
    await sent;
    await Promise.all(
      pages.map(async (page) => {
        await untilEnded(page, jobId);
        expect(await endingsShown(page, jobId)).toEqual(endings);
        expect(await wentBackwards(page)).toEqual([]);
      }),
    );
  }

  /** Streams that the hub sees. */
  async function streams(): Promise<number> {
    const metrics = await (await fetch(`${hub.internalUrl}/metrics`)).text();
    const lines = metrics.split("\n").filter((line) => /connections\{.*sse/.test(line));
    return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  }

  it("seven show an upload to its end by one stream of SSE, also when one is reloaded", async () => {
    const context = await browser.newContext();
    const pages = await open(context, 7);
    const job = upload(4, userId());
    const [, reloaded] = pages;
    if (reloaded === undefined) throw new Error("no page");
    await untilBegun(reloaded, job.jobId);
    expect(await streams()).toBe(1);
    await reloaded.reload();
    await untilConnected(reloaded);
    await areRight(pages, job);
    await context.close();
  });

  /** By the lock, and by one of its own: both are of the same client then. */
  function leads(page: Page): Promise<boolean> {
    return page.evaluate(() =>
      navigator.locks.request("who", async () => {
        const { held = [] } = await navigator.locks.query();
        const me = held.find(({ name }) => name === "who")?.clientId;
        return held.some(({ name, clientId }) => name !== "who" && clientId === me);
      }),
    );
  }

  it("the one that has the connection is closed, the next one is frozen, and the others go on", async () => {
    const context = await browser.newContext();
    const pages = await open(context, 4);
    const job = upload(8, userId());
    const [leader, ...others] = pages;
    if (leader === undefined) throw new Error("no page");
    expect(await leads(leader)).toBe(true);
    await untilBegun(leader, job.jobId);
    await leader.close();
    for (const page of others) await untilConnected(page);
    const leading = await Promise.all(others.map(leads));
    expect(leading.filter(Boolean)).toHaveLength(1);
    const next = others[leading.indexOf(true)];
    if (next === undefined) throw new Error("nobody leads");
    // By its events: the protocol's freeze leaves a visible page as it is, and tells it nothing.
    await next.evaluate(() => document.dispatchEvent(new Event("freeze")));
    const awake = others.filter((page) => page !== next);
    await until(async () => (await Promise.all(awake.map(leads))).includes(true), "another leads", 5_000);
    for (const page of awake) await untilConnected(page);
    await next.evaluate(() => document.dispatchEvent(new Event("resume")));
    await untilConnected(next);
    await areRight(others, job);
    await context.close();
  });

  it("two users, in two browsers and in one, never see each other", async () => {
    const [context, other] = [await browser.newContext(), await browser.newContext()];
    const users = ["mine", "theirs"];
    const [mine = [], theirs = []] = [await open(context, 2, "mine"), await open(other, 2, "theirs")];
    theirs.push(...(await open(context, 1, "theirs")));
    const jobs = users.map((user) => upload(3, user, `of-${user}`));
    await Promise.all(jobs.map(({ sent }) => sent));
    const shown = (page: Page) =>
      page.$$eval("[data-job]", (cards) => cards.map((card) => card.getAttribute("data-job")));
    for (const page of mine) {
      await untilEnded(page, "of-mine");
      expect(await shown(page)).toEqual(["of-mine"]);
    }
    for (const page of theirs) {
      await untilEnded(page, "of-theirs");
      expect(await shown(page)).toEqual(["of-theirs"]);
    }
    for (const one of [context, other]) await one.close();
  });
});
