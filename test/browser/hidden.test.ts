import { afterAll, beforeAll, expect, it } from "vitest";
import { until } from "../../simulator/oracle/until.ts";
import { type BlockingProxy, startBlockingProxy } from "../blocking-proxy.ts";
import { type Cluster, INGEST_TOKEN, killAll, startCluster, tokenFor } from "../faults/cluster.ts";
import { describeInChromium } from "./chromium.ts";
import { witness } from "./page.ts";
import { launchRealTabs, type RealTab, type RealTabs } from "./real-tabs.ts";
import { startUpload } from "./uploads.ts";

/** Chromium wakes timers of a hidden tab once a second; two minutes are what the whole run takes the time for. */
const HIDDEN_MS = process.env.FAULTS === "all" ? 120_000 : 8_000;

let tabs: RealTabs;
let hub: Cluster;
let proxy: BlockingProxy;

describeInChromium("a tab that is hidden while the uploads go on", () => {
  beforeAll(async () => {
    tabs = await launchRealTabs();
    hub = await startCluster("--workers", "2", "--ui");
    proxy = await startBlockingProxy(hub.publicUrl);
  });
  afterAll(async () => {
    await tabs.close();
    proxy.close();
    await hub.stop();
    killAll();
  });

  it.each<readonly [string, (tab: RealTab) => Promise<void>]>([
    ["stays connected", async () => undefined],
    ["loses its connection meanwhile", async () => proxy.cut()],
    [
      "is frozen, and its connection dies",
      async (tab) => {
        await tab.freeze();
        proxy.cut();
      },
    ],
  ])(
    "%s: it is right when somebody looks again, and nothing went backwards",
    { timeout: 240_000 },
    async (name, disturb) => {
      const isFrozen = name.startsWith("is frozen");
      const userId = name.replaceAll(/\W+/g, "-");
      const jobId = `job-${userId}`;
      const tab = await tabs.open(`${proxy.url}/#token=${tokenFor(userId)}`, WITNESS);
      await waitFor(tab, "document.querySelector('.badge[data-phase=live]') !== null", "live");
      const to = { internalUrl: hub.internalUrl, ingestToken: INGEST_TOKEN };
      const job = startUpload({ ...to, userId, jobId, seed: 3, photos: 20 });
      await waitFor(tab, "document.querySelectorAll('[data-photo]').length > 3", "photos");
      const other = await tabs.open("about:blank");
      await other.bringToFront();
      await waitFor(tab, "document.visibilityState === 'hidden'", "hidden");
      const hidden = new Promise((resolve) => setTimeout(resolve, HIDDEN_MS));
      await disturb(tab);
      await job.sent;
      await hidden;
      await tab.thaw();
      await tab.bringToFront();
      await waitFor(
        tab,
        `document.querySelector('[data-job="${jobId}"]:not([data-status=UPLOADING])') !== null`,
        "ended",
      );
      await tab.evaluate("document.querySelector('.toggle[aria-expanded=false]')?.click()");
      const shown = `[...document.querySelectorAll('[data-photo]')].map((row) => [row.dataset.photo, row.dataset.status])`;
      await waitFor(tab, `(${shown}).length === ${job.endings.size}`, "all photos");
      expect(new Map((await tab.evaluate(shown)) as [string, string][])).toEqual(job.endings);
      expect(await tab.evaluate("window.witnessed")).toEqual([]);
      // Else it was a tab like any other.
      const stoodStillMs = Number(await tab.evaluate("window.stoodStillMs"));
      expect(stoodStillMs > HIDDEN_MS - 3_000).toBe(isFrozen);
    },
  );
});

/** Sees also for how long no timer of the tab ran. */
const WITNESS = `(${witness})();
  window.stoodStillMs = 0;
  let lastMs = Date.now();
  setInterval(() => {
    window.stoodStillMs = Math.max(window.stoodStillMs, Date.now() - lastMs);
    lastMs = Date.now();
  }, 200);`;

function waitFor(tab: RealTab, expression: string, what: string): Promise<unknown> {
  return until(() => tab.evaluate(expression), what, 20_000);
}
