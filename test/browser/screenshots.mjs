// `npm run screenshots`: the pictures of docs/pages.md, of a hub of its own with simulated uploads.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chromium } from "playwright-core";

const root = new URL("../../", import.meta.url).pathname;
const program = `${root}dist/bin/progress-hub.js`;
const flags = ["--dev", "--port", "0", "--internal-port", "0", "--workers", "2", "--log-level", "error"];
const hub = spawn(process.execPath, [program, "serve", ...flags], { stdio: ["ignore", "pipe", "inherit"] });
const urls = await new Promise((resolve) => {
  let said = "";
  hub.stdout.on("data", (chunk) => {
    said += String(chunk);
    const ready = /public=(\S+) internal=(\S+) [\s\S]* ingest-token=(\S+) /.exec(said);
    if (ready !== null) resolve({ uploads: ready[1], operations: ready[2], ingestToken: ready[3] });
  });
});
const load = ["--profile", "realistic", "--speed", "2", "--users", "40", "--duration", "20m", "--seed", "4"];
const simulate = spawn(
  process.execPath,
  [program, "simulate", ...load, "--internal", urls.operations, "--ingest-token", urls.ingestToken],
  { stdio: "ignore" },
);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
});
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const sizes = { desktop: { width: 1180, height: 900 }, phone: { width: 390, height: 844 } };

/** Each size and scheme of a page at once, so that all show the same. */
async function shoot(name, prepare, settleMs) {
  const pages = [];
  for (const [size, viewport] of Object.entries(sizes)) {
    for (const colorScheme of ["light", "dark"]) {
      const page = await browser.newPage({ viewport, colorScheme, deviceScaleFactor: 1 });
      await page.goto(urls[name]);
      await page.waitForSelector(".badge[data-tone=good]", { timeout: 20_000 });
      pages.push([page, `${root}docs/${name}-${size}-${colorScheme}.png`]);
    }
  }
  await prepare(pages[0][0]);
  await wait(settleMs);
  for (const [page, path] of pages) await page.screenshot({ path });
  for (const [page] of pages) await page.close();
}

/** Jobs in all states: one that is over, one of thousands, one with failures, one under way. */
async function startUploads(page) {
  for (const [label, pauseMs] of [
    ["8 photos", 4_000],
    ["2,000 photos", 2_500],
    ["Many failures", 2_500],
    ["8 photos", 1_500],
  ]) {
    await page.click(`text=${label}`);
    await wait(pauseMs);
  }
}

/** Users on all transports, and a producer with a mistake. */
async function populate(users) {
  for (const transport of ["WebSocket", "SSE", "Polling", "Socket.IO", "WebSocket", "WebSocket"]) {
    const page = await (await browser.newContext()).newPage();
    await page.goto(urls.uploads);
    await page.waitForSelector(".badge[data-tone=good]");
    await page.selectOption("select", { label: transport });
    users.push(page);
  }
  await fetch(`${urls.operations}/api/v1/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${urls.ingestToken}`, "content-type": "application/cloudevents+json" },
    body: '{"specversion":"1.0","id":"1","source":"/shop","type":"photo.upload.exploded","data":{}}',
  });
}

try {
  await shoot("uploads", startUploads, 500);
  const users = [];
  await populate(users);
  await shoot("operations", () => populate(users), 60_000);
} finally {
  await browser.close();
  simulate.kill();
  hub.kill();
  await once(hub, "exit");
}
