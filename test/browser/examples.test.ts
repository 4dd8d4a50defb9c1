import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import jsonwebtoken from "jsonwebtoken";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { type Cluster, INGEST_TOKEN, JWT_SECRET, killAll, startCluster } from "../faults/cluster.ts";
import { bundled } from "./bundle.ts";
import { describeInChromium, launchChromium } from "./chromium.ts";
import { type StaticServer, startStaticServer } from "./static-server.ts";
import { startUpload } from "./uploads.ts";

const ADMIN_TOKEN = "examples-admin-token-that-is-long-enough";
const SHOWN_MS = 30_000;
const RESUMED = /^progress_hub_resumes_total\{.*mode="resumed".*\} [1-9]/m;

const path = (relative: string): string => fileURLToPath(new URL(`../../${relative}`, import.meta.url));
const read = (relative: string): string => readFileSync(path(relative), "utf8");

let browser: Browser;
let hub: Cluster;
let site: StaticServer;
let context: BrowserContext;
let page: Page;
let tokens = 0;
let ttlSeconds = 3_600;
let run = 0;

describeInChromium("the examples of docs/examples.md show an upload to its end", () => {
  beforeAll(async () => {
    browser = await launchChromium();
    site = await startStaticServer();
    const flags = ["--workers", "1", "--cors-origins", site.url, "--admin-token", ADMIN_TOKEN];
    hub = await startCluster(...flags);
    const ofHub = (text: string): string => text.replaceAll("https://hub.example.com", hub.publicUrl);
    const html = ofHub(read("docs/examples/socketio.html"));
    const socketIo = read("node_modules/socket.io-client/dist/socket.io.min.js");
    const react = ofHub(await bundled("docs/examples/react.tsx", "production"));
    site.files.set("/socketio", () => ({ type: "text/html", body: html }));
    site.files.set("/socket.io.min.js", () => ({ type: "text/javascript", body: socketIo }));
    site.files.set("/react", () => ({
      type: "text/html",
      body: '<script type="module" src="/react.js"></script>',
    }));
    site.files.set("/react.js", () => ({ type: "text/javascript", body: react }));
    site.files.set("/token", () => {
      tokens += 1;
      const body = jsonwebtoken.sign({}, JWT_SECRET, { subject: userId(), expiresIn: ttlSeconds });
      return { type: "text/plain", body };
    });
  });
  afterAll(async () => {
    await browser.close();
    site.close();
    await hub.stop();
    killAll();
  });
  beforeEach(async () => {
    [tokens, ttlSeconds, run] = [0, 3_600, run + 1];
    context = await browser.newContext();
    page = await context.newPage();
  });
  afterEach(() => context.close());

  const userId = (): string => `user-${run}`;

  function upload(name: string) {
    const to = { internalUrl: hub.internalUrl, ingestToken: INGEST_TOKEN };
    // The id of a job is one user's for good.
    return startUpload({ ...to, userId: userId(), jobId: `${name}-${run}`, seed: run, photos: 2 });
  }

  const ROW = /\d+ of \d+ photos, (COMPLETED|PARTIAL|FAILED)/;

  /** So many jobs are shown, each with a full bar and how it ended. */
  async function untilShown(jobs: number): Promise<void> {
    await expect
      .poll(
        () =>
          page.$$eval("p", (rows) =>
            rows.map((row) => `${row.querySelector("progress")?.value} ${row.textContent?.trim()}`),
          ),
        { timeout: SHOWN_MS },
      )
      .toEqual(
        Array.from({ length: jobs }, () => expect.stringMatching(new RegExp(`^100 .*${ROW.source}$`))),
      );
  }

  it("socketio.html, which goes on where it was when its connection is cut", async () => {
    await page.goto(`${site.url}/socketio`);
    const uploads = [upload("first"), upload("second")];
    await page.waitForSelector("p");
    const [gateway = 0] = hub.gatewayPids();
    process.kill(gateway, "SIGKILL");
    await Promise.all(uploads.map(({ sent }) => sent));
    await untilShown(2);
    const metrics = await (await fetch(`${hub.internalUrl}/metrics`)).text();
    expect(metrics).toMatch(RESUMED);
  });

  it("socketio.html forgets what is not in a snapshot", async () => {
    await page.goto(`${site.url}/socketio`);
    await upload("gone").sent;
    await untilShown(1);
    const forgotten = await fetch(`${hub.internalUrl}/api/v1/admin/users/${userId()}`, {
      method: "DELETE",
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    });
    expect(forgotten.ok).toBe(true);
    await expect.poll(() => page.$$eval("p", (rows) => rows.length), { timeout: SHOWN_MS }).toBe(0);
  });

  it("socketio.html goes on with fresh tokens", async () => {
    ttlSeconds = 5;
    await page.goto(`${site.url}/socketio`);
    await expect.poll(() => tokens, { timeout: SHOWN_MS }).toBeGreaterThan(2);
    await upload("late").sent;
    await untilShown(1);
  });

  it("react.tsx", async () => {
    await page.goto(`${site.url}/react`);
    await page.waitForSelector("main[data-phase=live]", { state: "attached" });
    await Promise.all([upload("first").sent, upload("second").sent]);
    await untilShown(2);
  });
});
