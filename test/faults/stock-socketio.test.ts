import { Agent, type ClientRequest } from "node:http";
import type { Duplex } from "node:stream";
import { afterEach, expect, test } from "vitest";
import type { ClientKind } from "../../simulator/oracle/client-record.ts";
import { CLEAN, Oracle } from "../../simulator/oracle/oracle.ts";
import { until } from "../../simulator/oracle/until.ts";
import { startCluster } from "./cluster.ts";
import { populate } from "./population.ts";
import { startProducer } from "./producer.ts";
import { endScenes } from "./scene.ts";

afterEach(endScenes);

/** Sessions do share connections through it: that is counted. */
class SharingAgent extends Agent {
  reused = 0;

  override reuseSocket(socket: Duplex, request: ClientRequest): void {
    this.reused += 1;
    super.reuseSocket(socket, request);
  }
}

// No sticky sessions: requests of one session come over connections of another, and end in any of four gateways.
test.each<[string, ClientKind, string]>([
  ["with default options upgrade to websocket", "socketio", "websocket"],
  ["whose upgrades are blocked live on long-polling", "socketio-polling", "polling"],
])("200 stock clients on 4 gateways, %s, and get their messages", async (_, kind, transport) => {
  const hub = await startCluster("--workers", "4");
  await hub.untilGateways(4, [], 5_000);
  const oracle = new Oracle({ stateSurvivesCore: true });
  const agent = new SharingAgent({ keepAlive: true, maxFreeSockets: 1_000 });
  try {
    const options = { publicUrl: hub.publicUrl, oracle, users: 50, devicesPerUser: 4, kinds: [kind], agent };
    const population = await populate(options);
    const carriers = () => population.clients.map((client) => client.transport());
    await until(
      () => carriers().every((name) => name === transport),
      `all are carried by ${transport}`,
      20_000,
      () => `${carriers().filter((name) => name !== transport).length} are not`,
    );
    const producer = startProducer({ internalUrl: hub.internalUrl, oracle, rate: 300, users: 50 });
    await until(() => producer.acknowledged >= 2_400, "2,400 events", 15_000);
    await producer.finish();
    expect(await oracle.settled(5_000)).toEqual(CLEAN);
    expect(oracle.endingsOwed).toBeGreaterThan(300);
    const problems = population.records.flatMap(({ name, problems: own }) =>
      own.map((one) => `${name}: ${one}`),
    );
    expect(problems).toEqual([]);
    expect(population.disconnects()).toBe(0);
    expect(agent.reused).toBeGreaterThan(200);
    expect(new Set(carriers())).toEqual(new Set([transport]));
  } finally {
    agent.destroy();
  }
});
