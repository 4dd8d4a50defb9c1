import { afterEach, expect, test } from "vitest";
import { Oracle, type SentEvent } from "../../simulator/oracle/oracle.ts";
import { until } from "../../simulator/oracle/until.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { populate, userOf } from "./population.ts";
import { post } from "./producer.ts";
import { endScenes } from "./scene.ts";

afterEach(endScenes);

const EVENTS = 20;

test("a gateway without the user gets none of the user's messages", async () => {
  const hub = await startCluster("--workers", "2");
  const gateways = await hub.untilGateways(2, [], 5_000);
  const oracle = new Oracle({ stateSurvivesCore: true });
  const one = { publicUrl: hub.publicUrl, oracle, devicesPerUser: 1, kinds: ["websocket"] } as const;
  const first = await populate({ ...one, users: 1 });
  await tell(hub, oracle, "first");
  const [record] = first.records;
  await until(() => (record?.bestOf("first/p") ?? 0) > 1, "the ending is shown", 5_000);
  // First, since more may be shown while the figures are asked for.
  const received = record?.messages ?? EVENTS;
  const sent = await linkMessages(hub);
  expect([...sent.values()].filter((count) => count > 0)).toHaveLength(1);
  expect(Math.max(...sent.values())).toBeGreaterThanOrEqual(received);

  // The same user on the other gateway too: now both get them, else the figure above would prove nothing.
  const onBoth = () => gateways.every((pid) => hub.connectionsOf(pid) > 0);
  for (let device = 1; device < 10 && !onBoth(); device += 1) await populate({ ...one, users: 1 });
  expect(onBoth()).toBe(true);
  await tell(hub, oracle, "second");
  await until(
    () => oracle.clients.every((client) => client.bestOf("second/p") > 1),
    "the ending is shown to all",
    5_000,
  );
  const afterwards = await linkMessages(hub);
  expect([...afterwards.values()].filter((count) => count > 0)).toHaveLength(2);
});

async function tell(hub: Cluster, oracle: Oracle, jobId: string): Promise<void> {
  const data = { jobId, userId: userOf(0), photoId: "p" };
  for (let index = 1; index <= EVENTS; index += 1) {
    const type = index === EVENTS ? "photo.upload.completed" : "photo.upload.progressed";
    const event: SentEvent = { id: `${jobId}/${index}`, type, data: { ...data, bytesTransferred: index } };
    oracle.published(event);
    expect(await post(hub.internalUrl, [event])).toEqual(new Map());
  }
}

/** Messages that were sent over the link so far, by gateway. */
async function linkMessages(hub: Cluster): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${hub.internalUrl}/metrics`)).text();
  const lines = text.matchAll(/^progress_hub_link_messages_total\{[^}]*gateway="([^"]+)"[^}]*\} (\S+)/gm);
  return new Map([...lines].map(([, gateway = "", count]) => [gateway, Number(count)]));
}
