import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, expect, test } from "vitest";
import { Revocations } from "../../src/auth/revocations.ts";
import { createVerifier } from "../../src/auth/verify.ts";
import { settingsFor } from "../../src/config/load.ts";
import { systemClock } from "../../src/engine/clock.ts";
import { CoreSide } from "../../src/engine/link/core-side.ts";
import { GatewaySide } from "../../src/engine/link/gateway-side.ts";
import { startGateway } from "../../src/gateway/main.ts";
import { createEngine } from "../engine-harness.ts";
import { eventually, TEST_SECRET } from "./gateway-harness.ts";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** The system's clock, and as much later as is asked for. */
function laterClock() {
  const clock = { byMs: 0, monotonicMs: () => systemClock.monotonicMs() + clock.byMs };
  return clock;
}

async function socketPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "link-health-"));
  stops.push(() => rm(folder, { recursive: true }));
  return join(folder, "core.sock");
}

async function startCoreSide(path: string, clock = laterClock()): Promise<CoreSide> {
  const { engine } = createEngine();
  const side = new CoreSide({
    engine,
    health: () => engine.health(),
    revocations: new Revocations(),
    attach: () => ({ join() {}, leave() {}, detach() {} }),
    clock,
  });
  stops.push(() => {
    side.close();
    engine.close();
  });
  await side.listen(path);
  return side;
}

function linkTo(path: string, clock = laterClock()): { side: GatewaySide; changes: boolean[] } {
  const changes: boolean[] = [];
  const onChange = (isLinked: boolean) => changes.push(isLinked);
  const side = new GatewaySide({ path, name: "gateway-1", revocations: new Revocations(), clock, onChange });
  stops.push(() => side.close());
  return { side, changes };
}

test("the public listener: not ready at once without a core, dead only after 30 s, well again with it", async () => {
  const [path, clock] = [await socketPath(), laterClock()];
  const { side } = linkTo(path, clock);
  const settings = settingsFor({
    host: "127.0.0.1",
    port: 0,
    jwtSecret: [TEST_SECRET],
    ingestToken: ["i".repeat(32)],
  });
  const gateway = await startGateway({
    settings,
    engine: side,
    attachPresence: (orders) => side.attach(orders),
    verifier: createVerifier(settings),
    log: pino({ level: "silent" }),
    unlinkedMs: () => side.unlinkedMs,
  });
  stops.push(() => gateway.close());
  const get = (name: string) => fetch(`${gateway.publicUrl}/${name}`);
  expect((await get("readyz")).status).toBe(503);
  expect((await get("healthz")).status).toBe(200);
  clock.byMs = 31_000;
  const dead = await get("healthz");
  expect(dead.status).toBe(503);
  expect(await dead.json()).toMatchObject({
    code: "not_linked",
    detail: expect.stringMatching(/core for 3\d s/),
  });
  const core = await startCoreSide(path);
  await eventually(async () => (await get("readyz")).status === 200, "ready with its core");
  expect((await get("healthz")).status).toBe(200);
  core.close();
  await eventually(async () => (await get("readyz")).status === 503, "not ready without it");
  // It counts from when the link broke.
  expect((await get("healthz")).status).toBe(200);
  clock.byMs += 31_000;
  expect((await get("healthz")).status).toBe(503);
});

test("the core knows how long it has been alone", async () => {
  const [path, clock] = [await socketPath(), laterClock()];
  const core = await startCoreSide(path, clock);
  clock.byMs = 40_000;
  expect(core.aloneMs).toBeGreaterThanOrEqual(40_000);
  const { side } = linkTo(path);
  await eventually(() => core.aloneMs === null, "linked");
  side.close();
  await eventually(() => core.aloneMs !== null, "alone again");
  expect(core.aloneMs).toBeLessThan(10_000);
});

test("a gateway that is told of its link is one that the core counts", async () => {
  const path = await socketPath();
  const core = await startCoreSide(path);
  const { changes } = linkTo(path);
  await eventually(() => changes.length > 0, "told");
  expect(changes).toEqual([true]);
  expect(core.aloneMs).toBe(null);
});
