import { afterEach, expect, test } from "vitest";
import { CLEAN, type SentEvent } from "./oracle.ts";
import { populate, STREAMS, userOf } from "./population.ts";
import { post } from "./producer.ts";
import { endScenes, startScene } from "./scene.ts";
import { until } from "./until.ts";

afterEach(endScenes);

const KINDS = ["socketio", "websocket", "sse", "polling", "socketio-polling"] as const;
const FLOWS_AGAIN_WITHIN_MS = 2_000;
/** As long as opens and polls wait for a core, and some for the answer. */
const ANSWERED_WITHIN_MS = 6_000;

test("core kill -9 under load: nobody is disconnected, what begins in the gap succeeds, and all flows again", async () => {
  const { hub, oracle, population, producer } = await startScene({
    flags: ["--workers", "2"],
    users: 60,
    devicesPerUser: 5,
    kinds: KINDS,
    rate: 300,
  });
  const [primary, gateways] = [hub.pid, hub.gatewayPids()];
  const core = await hub.untilCorePid(null, 1_000);
  const killedAtMs = performance.now();
  process.kill(core, "SIGKILL");
  oracle.coreEnded("killed");
  const late = populate({ publicUrl: hub.publicUrl, oracle, users: 20, devicesPerUser: 1, kinds: KINDS });

  const probe: SentEvent = {
    id: "probe",
    type: "photo.upload.completed",
    data: { jobId: "probe", userId: userOf(0), photoId: "p" },
  };
  oracle.published(probe);
  const owner = population.records.filter(({ userId, kind }) => userId === userOf(0) && kind !== "polling");
  const isTaken = async () => (await post(hub.internalUrl, [probe]).catch(() => null)) !== null;
  const leftMs = () => Math.max(0, killedAtMs + FLOWS_AGAIN_WITHIN_MS - performance.now());
  await until(isTaken, "an event is taken again", leftMs());
  await until(() => owner.every((one) => one.bestOf("probe/p") > 0), "a message flows again", leftMs());
  await population.untilAllGotOneAfter(performance.now(), 10_000);
  const { records } = await late;
  expect(records.flatMap(({ name, problems }) => problems.map((one) => `${name}: ${one}`))).toEqual([]);

  await producer.finish();
  expect(await oracle.settled(5_000)).toEqual(CLEAN);
  expect(population.disconnects([...STREAMS, "polling"])).toBe(0);
  expect(producer.slowestMs).toBeLessThan(ANSWERED_WITHIN_MS);
  expect(producer.rejected).toEqual([]);
  expect({ primary: hub.pid, gateways: hub.gatewayPids(), exit: hub.exit }).toEqual({
    primary,
    gateways,
    exit: null,
  });
});
