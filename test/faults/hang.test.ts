import { get } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { CLEAN } from "../../simulator/oracle/oracle.ts";
import { until } from "../../simulator/oracle/until.ts";
import { tokenFor } from "./cluster.ts";
import { STREAMS, userOf } from "./population.ts";
import { endScenes, startScene } from "./scene.ts";

afterEach(endScenes);

const REPLACED_WITHIN_MS = 15_000;
const SMALL = {
  flags: ["--workers", "2"],
  users: 20,
  devicesPerUser: 3,
  kinds: ["socketio-websocket", "websocket", "sse"],
  rate: 100,
} as const;

test("SIGSTOP of the core: it is replaced, and nobody is disconnected", async () => {
  const { hub, oracle, population, producer } = await startScene(SMALL);
  const gateways = hub.gatewayPids();
  const core = await hub.untilCorePid(null, 1_000);
  process.kill(core, "SIGSTOP");
  oracle.coreEnded("killed");
  const notReady = async () => ((await fetch(`${hub.publicUrl}/readyz`)).status === 503 ? true : null);
  await until(notReady, "the public /readyz says no, long before the core is replaced", 4_000);
  await hub.untilCorePid(core, REPLACED_WITHIN_MS);
  await population.untilAllGotOneAfter(performance.now(), 10_000);
  await producer.finish();
  expect(await oracle.settled(5_000)).toEqual(CLEAN);
  expect(population.disconnects(STREAMS)).toBe(0);
  expect(hub.gatewayPids()).toEqual(gateways);
  expect(hub.processes().map(({ pid }) => pid)).not.toContain(core);
});

test("SIGSTOP of a gateway: it is replaced, the other accepts meanwhile, and no connect hangs", async () => {
  const { hub, oracle, population, producer } = await startScene(SMALL);
  const [victim = 0] = await hub.untilGateways(2, [], 1_000);
  const held = hub.connectionsOf(victim);
  process.kill(victim, "SIGSTOP");

  const stoppedAtMs = performance.now();
  const answers: Promise<Answer>[] = [];
  // From the stop until some time after the replacement: each on a connection of its own.
  const connecting = setInterval(() => answers.push(poll(hub.publicUrl)), 100);
  try {
    await hub.untilGateways(2, [victim], REPLACED_WITHIN_MS);
    await until(() => answers.length > 60, "60 connects", 10_000);
  } finally {
    clearInterval(connecting);
  }
  const ended = await Promise.race([Promise.all(answers), wait(10_000, null)]);
  if (ended === null) {
    const states = await Promise.all(answers.map((one) => Promise.race([one, wait(1, null)])));
    const hanging = states.flatMap((state, index) => (state === null ? [index] : []));
    throw new Error(`of ${answers.length} connects, one each 100 ms, these hang for ever: ${hanging}`);
  }
  expect(performance.now() - stoppedAtMs).toBeLessThan(REPLACED_WITHIN_MS + 20_000);
  const [good, bad] = [
    ended.filter(({ status }) => status === 200),
    ended.filter((one) => one.status !== 200),
  ];
  expect(good.filter(({ tookMs }) => tookMs < 2_000).length / ended.length).toBeGreaterThan(0.9);
  // One that it had just taken may be reset when it is killed; what it had only been handed goes to the other one.
  expect(bad.filter(({ status }) => status !== "ECONNRESET")).toEqual([]);
  expect(bad.length).toBeLessThanOrEqual(1);

  await population.untilAllConnected(20_000);
  await producer.finish();
  expect(await oracle.settled(5_000)).toEqual(CLEAN);
  expect(population.disconnects()).toBe(held);
});

interface Answer {
  /** Of HTTP, or the code of the error. */
  readonly status: number | string;
  readonly tookMs: number;
}

function poll(publicUrl: string): Promise<Answer> {
  const beganMs = performance.now();
  const headers = { accept: "application/json", authorization: `Bearer ${tokenFor(userOf(0))}` };
  return new Promise((resolve) => {
    const end = (status: number | string) => resolve({ status, tookMs: performance.now() - beganMs });
    const request = get(`${publicUrl}/api/v1/upload-progress`, { agent: false, headers }, (response) => {
      response.resume();
      response.on("end", () => end(response.statusCode ?? 0));
    });
    request.on("error", (error) => end("code" in error ? String(error.code) : error.message));
  });
}
