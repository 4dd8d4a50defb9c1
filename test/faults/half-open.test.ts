import { afterEach, expect, test } from "vitest";
import { CLEAN, Oracle } from "../../simulator/oracle/oracle.ts";
import { until } from "../../simulator/oracle/until.ts";
import { startCluster } from "./cluster.ts";
import { metricOf } from "./metric.ts";
import { populate } from "./population.ts";
import { startProducer } from "./producer.ts";
import { endScenes } from "./scene.ts";
import { closeProxies, startProxy } from "./tcp-proxy.ts";

afterEach((context) => {
  endScenes(context);
  closeProxies();
});

const INTERVAL_MS = 2_000;
const TIMEOUT_MS = 2_000;
const SSE_MAX_AGE_MS = 12_000;
/** A tick of the hub's, and a busy machine. */
const SLACK_MS = 2_000;
const USERS = 20;
/** Of the three kinds below, in turn. */
const OF_EACH_KIND = 20;

test("half-open connections go within heartbeat interval and timeout, those of SSE within sse-max-age", async () => {
  const hub = await startCluster(
    ...["--workers", "1", "--heartbeat-interval", `${INTERVAL_MS}ms`],
    ...["--heartbeat-timeout", `${TIMEOUT_MS}ms`, "--sse-max-age", `${SSE_MAX_AGE_MS}ms`],
  );
  const [gateway = 0] = await hub.untilGateways(1, [], 1_000);
  const oracle = new Oracle({ stateSurvivesCore: true });
  const proxy = await startProxy(Number(new URL(hub.publicUrl).port));
  const population = await populate({
    ...{ publicUrl: `http://127.0.0.1:${proxy.port}`, oracle, users: USERS, devicesPerUser: 3 },
    kinds: ["socketio-websocket", "websocket", "sse"],
  });
  const producer = startProducer({ internalUrl: hub.internalUrl, oracle, rate: 100, users: USERS });
  await population.untilAllGotOneAfter(performance.now(), 20_000);
  expect(hub.connectionsOf(gateway)).toBe(3 * OF_EACH_KIND);

  // As where a laptop is closed, or a NAT forgets: nothing comes any more, and nothing says so.
  proxy.freeze();
  const frozenMs = performance.now();
  const held = () => hub.connectionsOf(gateway);
  const story = () => `${held()} are left`;
  await until(
    () => held() <= OF_EACH_KIND,
    "WebSockets are gone",
    INTERVAL_MS + TIMEOUT_MS + SLACK_MS,
    story,
  );
  const leftMs = frozenMs + SSE_MAX_AGE_MS + SLACK_MS - performance.now();
  // Their streams; what is left of a connection that says nothing is the business of its keep-alive.
  const streams = () => metricOf(hub, "connections", '{transport="sse"}');
  expect(await streams()).toBeGreaterThan(0);
  await until(async () => (await streams()) === 0, "SSE is gone", leftMs);

  proxy.cut();
  proxy.mend();
  await population.untilAllConnected(20_000);
  await population.untilAllGotOneAfter(performance.now(), 10_000);
  await producer.finish();
  expect(await oracle.settled(5_000)).toEqual(CLEAN);
});
