import jsonwebtoken from "jsonwebtoken";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { until } from "../../simulator/oracle/until.ts";
import { type BlockingProxy, startBlockingProxy } from "../blocking-proxy.ts";
import {
  type Cluster,
  INGEST_TOKEN,
  JWT_SECRET,
  killAll,
  startCluster,
  tokenFor,
} from "../faults/cluster.ts";
import { describeInChromium, launchChromium } from "./chromium.ts";
import {
  endingsShown,
  openUploads,
  transportOf,
  untilBegun,
  untilConnected,
  untilEnded,
  wentBackwards,
} from "./page.ts";
import { type SimulatedUpload, startUpload } from "./uploads.ts";

/** About four seconds, and ten where what happens meanwhile takes its time. */
const PHOTOS = 10;
const MANY_PHOTOS = 24;

let browser: Browser;
let hub: Cluster;
let proxy: BlockingProxy;
let context: BrowserContext;
let run = 0;

describeInChromium("the uploads page shows the end as it is, and never goes back", () => {
  beforeAll(async () => {
    browser = await launchChromium();
    hub = await startCluster("--workers", "2", "--ui", "--drain-timeout", "5s", "--heartbeat-interval", "2s");
  });
  afterAll(async () => {
    await browser.close();
    await hub.stop();
    killAll();
  });
  beforeEach(async () => {
    run += 1;
    context = await browser.newContext();
    proxy = await startBlockingProxy(hub.publicUrl);
  });
  afterEach(async () => {
    await context.close();
    proxy.close();
  });

  const userId = (): string => `user-${run}`;

  function upload(photos = PHOTOS): SimulatedUpload {
    const jobId = `job-${run}`;
    const to = { internalUrl: hub.internalUrl, ingestToken: INGEST_TOKEN };
    return startUpload({ ...to, userId: userId(), jobId, seed: run, photos });
  }

  /** Opens the page, does to it what is to be done in mid-job, and looks at what it shows at last. */
  async function survives(disturb: (page: Page) => Promise<void>, photos = PHOTOS): Promise<Page> {
    const page = await openUploads(context, proxy.url, tokenFor(userId()));
    const job = upload(photos);
    await untilBegun(page, job.jobId);
    await disturb(page);
    await job.sent;
    await isRight(page, job);
    return page;
  }

  async function isRight(page: Page, { jobId, endings }: SimulatedUpload): Promise<void> {
    await untilEnded(page, jobId);
    expect(await endingsShown(page, jobId)).toEqual(endings);
    expect(await wentBackwards(page)).toEqual([]);
  }

  it("nothing happens", async () => {
    const page = await survives(async () => undefined);
    expect(await transportOf(page)).toBe("websocket");
  });

  it("another way is chosen: it loads Socket.IO, and goes on by it", async () => {
    const page = await survives(async (page) => {
      await page.selectOption("select[aria-label=Transport]", "socketio");
      await page.waitForSelector(".badge[data-phase=live][data-transport=socketio]");
    });
    expect(await transportOf(page)).toBe("socketio");
  });

  it("the page is reloaded", async () => {
    await survives(async (page) => {
      await page.reload();
      await untilConnected(page);
    });
  });

  it("the network is gone for a while", async () => {
    await survives(async (page) => {
      // Chromium's own switch does not cut what is open, and lets WebSockets through; and once it is off, the page is not
      // always told of a cut.
      proxy.block = () => true;
      proxy.cut();
      await untilConnected(page, ["resuming"]);
      await context.setOffline(true);
      proxy.block = () => false;
      await context.setOffline(false);
      await untilConnected(page);
    });
  });

  it("the gateway is killed", async () => {
    await survives(async (page) => {
      const old = hub.gatewayPids();
      for (const pid of old) process.kill(pid, "SIGKILL");
      await untilConnected(page, ["resuming"]);
      await hub.untilGateways(2, old, 15_000);
      await untilConnected(page);
    }, MANY_PHOTOS);
  });

  it("all gateways are replaced, one after the other", async () => {
    await survives(async (page) => {
      const old = hub.gatewayPids();
      process.kill(hub.pid, "SIGHUP");
      await hub.untilGateways(2, old, 30_000);
      await untilConnected(page);
    }, MANY_PHOTOS);
  });

  it.each([
    ["Automatic", 5],
    // Which does not tell a page why it was refused.
    ["WebSocket", 6],
  ])(
    "the token expires (%s): the page asks for another, and shows what it knows meanwhile",
    async (way, ttl) => {
      const short = jsonwebtoken.sign({}, JWT_SECRET, { subject: userId(), expiresIn: ttl });
      const page = await openUploads(context, proxy.url, short);
      await page.selectOption("select", { label: way });
      const job = upload(MANY_PHOTOS);
      await untilBegun(page, job.jobId);
      await page.waitForSelector("text=Signed out: the token", { timeout: 15_000 });
      expect((await endingsShown(page, job.jobId)).size).toBeGreaterThan(0);
      await page.fill("input[name=token]", tokenFor(userId()));
      await page.click("button[type=submit]");
      await untilConnected(page);
      await job.sent;
      await isRight(page, job);
    },
  );

  it("WebSocket does not get through: by SSE", async () => {
    proxy.block = (head) => /upgrade: websocket/i.test(head);
    const page = await survives(async () => undefined);
    expect(await transportOf(page)).toBe("sse");
  });

  it("neither does SSE: by polling", async () => {
    proxy.block = (head) => /upgrade: websocket|text\/event-stream/i.test(head);
    const page = await survives(async () => undefined);
    expect(await transportOf(page)).toBe("polling");
  });

  it("WebSocket and SSE are blocked in mid-job, and free again: it falls, and goes on", async () => {
    await survives(async (page) => {
      proxy.block = (head) => /upgrade: websocket/i.test(head);
      proxy.cut();
      await until(async () => (await transportOf(page)) === "sse", "SSE", 20_000);
      await untilConnected(page);
      proxy.block = () => false;
    });
  });

  it("two users in two browsers never see each other", async () => {
    const other = await browser.newContext();
    try {
      const [mine, theirs] = [
        await openUploads(context, proxy.url, tokenFor(userId())),
        await openUploads(other, proxy.url, tokenFor("somebody-else")),
      ];
      const to = { internalUrl: hub.internalUrl, ingestToken: INGEST_TOKEN, seed: run, photos: 4 };
      const jobs = [
        startUpload({ ...to, userId: userId(), jobId: "mine" }),
        startUpload({ ...to, userId: "somebody-else", jobId: "theirs" }),
      ];
      await Promise.all(jobs.map(({ sent }) => sent));
      await untilEnded(mine, "mine");
      await untilEnded(theirs, "theirs");
      const shown = (page: Page) =>
        page.$$eval("[data-job]", (cards) => cards.map((card) => card.getAttribute("data-job")));
      expect(await shown(mine)).toEqual(["mine"]);
      expect(await shown(theirs)).toEqual(["theirs"]);
      expect(await mine.content()).not.toContain("theirs");
      expect(await theirs.content()).not.toContain("mine");
    } finally {
      await other.close();
    }
  });
});
