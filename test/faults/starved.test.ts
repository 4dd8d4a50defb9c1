import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { CLEAN } from "../../simulator/oracle/oracle.ts";
import { endScenes, startScene } from "./scene.ts";

const hogs: ChildProcess[] = [];
afterEach(() => {
  for (const hog of hogs.splice(0)) hog.kill("SIGKILL");
  endScenes();
});

const STARVED_MS = 30_000;
/** On two cores: each process of the hub gets a fifth of what it could have. */
const HOGS = 8;

test("CPU starved for 30 s: later, not less; nobody is disconnected, and no process is taken for hung", async () => {
  const { hub, oracle, population, producer } = await startScene({
    flags: ["--workers", "2"],
    users: 30,
    devicesPerUser: 3,
    kinds: ["socketio", "websocket", "sse"],
    rate: 150,
  });
  const before = { core: hub.corePid(), gateways: hub.gatewayPids() };
  for (let hog = 0; hog < HOGS; hog += 1) {
    hogs.push(spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" }));
  }
  await wait(STARVED_MS);
  for (const hog of hogs.splice(0)) hog.kill("SIGKILL");
  await population.untilAllGotOneAfter(performance.now(), 20_000);
  await producer.finish();
  expect(await oracle.settled(10_000)).toEqual(CLEAN);
  expect(population.disconnects()).toBe(0);
  expect({ core: hub.corePid(), gateways: hub.gatewayPids() }).toEqual(before);
  expect(producer.rejected).toEqual([]);
});
