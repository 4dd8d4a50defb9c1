import slotOf from "cluster-key-slot";
import { afterEach, describe, expect, it } from "vitest";
import { until } from "../../../simulator/oracle/until.ts";
import { HubError } from "../../../src/errors.ts";
import type { LinkEvents } from "../../../src/redis/link.ts";
import { connectRedis, type Redis, type RedisOptions } from "../../../src/redis/redis.ts";
import { describeWithRedis } from "../../redis/available.ts";
import { makeCertificate } from "../../redis/certificate.ts";
import { startRedisCluster } from "../../redis/cluster.ts";
import { startSentinels } from "../../redis/sentinel.ts";
import { endAllServers, type RedisServer, startRedis } from "../../redis/server.ts";

const connections: Redis[] = [];

afterEach(() => {
  for (const redis of connections.splice(0)) redis.close();
  endAllServers();
});

function connect(url: string, options: RedisOptions = {}): Redis {
  const redis = connectRedis(url, options);
  connections.push(redis);
  return redis;
}

const untilReady = (redis: Redis) => until(() => redis.isReady, "the connection is ready", 15_000);

/** Connected and ready. */
async function connected(url: string, options: RedisOptions = {}): Promise<Redis> {
  const redis = connect(url, options);
  await untilReady(redis);
  return redis;
}

const set = (redis: Redis, key: string, value: string) => redis.run(key, (client) => client.set(key, value));
const get = (redis: Redis, key: string) => redis.run(key, (client) => client.get(key));

/** The error of what must fail, as `code: message`. */
async function failure(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => new Error("it went well"),
    (thrown: unknown) => thrown,
  );
  if (error instanceof HubError) return `${error.code} (${error.retryAfterSeconds} s): ${error.message}`;
  return String(error);
}

/** What a link tells, in order. */
function recorded(): { readonly told: string[]; readonly events: LinkEvents } {
  const told: string[] = [];
  const events = {
    ready: () => void told.push("ready"),
    lost: (error: HubError) => void told.push(error.message),
  };
  return { told, events };
}

describeWithRedis("a connection to Redis", () => {
  it("sends what is asked for in one turn as one pipeline, and gives error replies as they are", async () => {
    const server = await startRedis();
    const redis = await connected(server.url);
    const sent = redis.run("a", (client) =>
      Promise.all([client.set("a", "1"), client.incr("a"), client.get("a")]),
    );
    expect(await sent).toEqual(["OK", 2, "2"]);
    expect(await failure(redis.run("a", (client) => client.lPush("a", "x")))).toMatch(/WRONGTYPE/);
    expect(redis.isReady).toBe(true);
  });

  it("takes TLS with a password and a database, and trusts only whom it is told to", async () => {
    const tls = makeCertificate();
    const server = await startRedis({ tls, password: "a/b@c:d" });
    const redis = await connected(`${server.url}/3`, { ca: tls.certificate });
    await set(redis, "a", "1");
    expect(await redis.run("a", (client) => client.clientInfo())).toMatchObject({ db: 3 });
    const { told, events } = recorded();
    connect(server.url, events);
    await until(() => told.length > 0, "the certificate is refused", 5_000);
    expect(told).toEqual(["Redis can't be reached (DEPTH_ZERO_SELF_SIGNED_CERT)."]);
  });

  it("says that the password is wrong, and not which it was", async () => {
    const server = await startRedis({ password: "right" });
    const redis = connect(`redis://:hunter2@127.0.0.1:${server.port}`);
    await redis.settled();
    expect(await failure(get(redis, "a"))).toBe("store_unavailable (1 s): Redis refuses for now: WRONGPASS.");
  });

  it("refuses at once what it can't send, and comes back by itself", async () => {
    const server = await startRedis();
    const { told, events } = recorded();
    const redis = await connected(server.url, events);
    await server.kill();
    await until(() => !redis.isReady, "the connection is lost", 5_000);
    // Many attempts fail meanwhile, and each of these is answered in its own turn.
    for (let round = 0; round < 20; round += 1) {
      expect(await failure(get(redis, "a"))).toMatch(
        /^store_unavailable \(1 s\): Redis (can't be reached|closed)/,
      );
      await redis.settled();
    }
    expect(told).toHaveLength(2);
    await server.start();
    await untilReady(redis);
    expect(await set(redis, "a", "2")).toBe("OK");
    expect(told).toEqual(["ready", expect.stringMatching(/can't be reached|closed/), "ready"]);
  });

  it("tells of a Redis that hangs, in time, and of all that waits for it", async () => {
    const server = await startRedis();
    const redis = await connected(server.url, { commandTimeoutMs: 200 });
    server.hang();
    const failures = await Promise.all([failure(get(redis, "a")), failure(get(redis, "b"))]);
    const late = "store_unavailable (1 s): Redis does not answer within 200 ms.";
    expect(failures).toEqual([late, late]);
    expect(redis.isReady).toBe(false);
    server.wake();
    await untilReady(redis);
    expect(await get(redis, "a")).toBeNull();
  });

  it("notices by itself that Redis hangs, when nothing is asked", async () => {
    const server = await startRedis();
    const redis = await connected(server.url, { commandTimeoutMs: 200 });
    server.hang();
    await until(() => !redis.isReady, "the connection is not ready", 5_000);
    server.wake();
  });

  it("is not ready with a Redis that hangs from the start", async () => {
    const server = await startRedis();
    server.hang();
    const redis = connect(server.url, { connectTimeoutMs: 200 });
    await redis.settled();
    expect(redis.isReady).toBe(false);
    expect(await failure(get(redis, "a"))).toMatch(/^store_unavailable/);
    server.wake();
    await untilReady(redis);
  });

  it.each([
    ["OOM", ["CONFIG", "SET", "maxmemory", "1"]],
    ["READONLY", ["REPLICAOF", "127.0.0.1", "1"]],
    ["NOREPLICAS", ["CONFIG", "SET", "min-replicas-to-write", "1"]],
  ] as const)("takes %s for a store that can't be reached", async (word, change) => {
    const server = await startRedis();
    const redis = await connected(server.url);
    await server.command(...change);
    expect(await failure(set(redis, "a", "1"))).toBe(
      `store_unavailable (1 s): Redis refuses for now: ${word}.`,
    );
    const sent = redis.run("a", (client) => client.multi().set("a", "1").set("b", "1").exec());
    expect(await failure(sent)).toMatch(/^store_unavailable/);
  });

  it("takes a replica for one that is away, also alone, until it is a master", async () => {
    const server = await startRedis({ args: ["--replicaof", "127.0.0.1", "1"] });
    const { told, events } = recorded();
    const redis = connect(server.url, events);
    await redis.settled();
    expect(await failure(get(redis, "a"))).toBe(
      "store_unavailable (1 s): Redis is a replica, which takes no writes.",
    );
    await server.command("REPLICAOF", "NO", "ONE");
    await untilReady(redis);
    await set(redis, "a", "1");
    expect(told).toEqual(["Redis is a replica, which takes no writes.", "ready"]);
  });

  it("goes with the sentinels to the new master", async () => {
    const setup = await startSentinels();
    const { told, events } = recorded();
    const redis = await connected(setup.url, events);
    const blocking = redis.dedicated("s");
    await until(() => blocking.isReady, "the dedicated connection", 5_000);
    await set(redis, "a", "1");
    const before = await setup.masterPort();
    const master = setup.servers.find(({ port }) => port === before);
    await master?.kill();
    await until(async () => (await setup.masterPort()) !== before, "another master", 20_000);
    await until(() => set(redis, "b", "2").catch(() => null), "the new master is written to", 15_000);
    expect(redis.nodeOf("b")).not.toBe(`127.0.0.1:${before}`);
    await until(
      () => blocking.run((client) => client.get("b")).catch(() => null),
      "the other one too",
      15_000,
    );
    expect(told.at(0)).toBe("ready");
    expect(told.at(-1)).toBe("ready");
    blocking.close();
  });
});

describeWithRedis("connections to a cluster", () => {
  const keys = Array.from({ length: 30 }, (_, index) => `key-${index}`);

  it("go to the node that serves the key, also after it has moved, and a master is replaced", async () => {
    const cluster = await startRedisCluster();
    const redis = await connected(cluster.url);
    await Promise.all(keys.map((key) => set(redis, key, key)));
    expect(new Set(keys.map((key) => redis.nodeOf(key))).size).toBe(3);

    const [key = ""] = keys;
    const slot = slotOf(key);
    const from = await cluster.ownerOf(slot);
    const to = (from + 1) % 3;
    const own = redis.dedicated(key);
    await until(() => own.isReady, "the dedicated connection", 5_000);
    await cluster.moveSlot(slot, from, to);
    expect(await get(redis, key)).toBe(key);
    expect(redis.nodeOf(key)).toBe(nameOf(cluster.nodes[to]));
    await until(() => own.run((client) => client.get(key)).catch(() => null), "it follows the key", 5_000);
    own.close();

    await cluster.nodes[to]?.kill();
    await until(() => !redis.isReady, "the cluster is not whole", 5_000);
    await until(() => get(redis, key).catch(() => null), "the replica serves the key", 20_000);
    await untilReady(redis);
    expect(redis.nodeOf(key)).toBe(nameOf(cluster.nodes[to + 3]));
    expect(await Promise.all(keys.map((each) => get(redis, each)))).toEqual(keys);
  });

  it("ask where a key of a slot on the move is (ASK)", async () => {
    const cluster = await startRedisCluster();
    const redis = await connected(cluster.url);
    const slot = slotOf("moving");
    const from = await cluster.ownerOf(slot);
    const to = (from + 1) % 3;
    const ids = await Promise.all(
      [from, to].map((index) => cluster.nodes[index]?.command("CLUSTER", "MYID")),
    );
    await cluster.nodes[to]?.command("CLUSTER", "SETSLOT", String(slot), "IMPORTING", String(ids[0]));
    await cluster.nodes[from]?.command("CLUSTER", "SETSLOT", String(slot), "MIGRATING", String(ids[1]));
    expect(await set(redis, "moving", "1")).toBe("OK");
    expect(await get(redis, "moving")).toBe("1");
  });

  it("without any node are refused at once, and come back", async () => {
    const cluster = await startRedisCluster();
    const { told, events } = recorded();
    const redis = await connected(cluster.url, events);
    await Promise.all(cluster.nodes.map((node) => node.kill()));
    await until(() => !redis.isReady, "the cluster is away", 5_000);
    expect(await failure(get(redis, "a"))).toMatch(/^store_unavailable/);
    await Promise.all(cluster.nodes.map((node) => node.start()));
    await until(() => set(redis, "a", "1").catch(() => null), "the cluster is back", 20_000);
    expect(told.filter((line) => line !== "ready")).toHaveLength(1);
  });
});

function nameOf(node: RedisServer | undefined): string {
  return `127.0.0.1:${node?.port}`;
}

describe("a connection without Redis", () => {
  it("is refused, and ends when it is closed", async () => {
    const redis = connect("redis://127.0.0.1:1");
    await redis.settled();
    expect(await failure(get(redis, "a"))).toBe(
      "store_unavailable (1 s): Redis can't be reached (ECONNREFUSED).",
    );
    redis.close();
    expect(await failure(get(redis, "a"))).toBe("store_unavailable (1 s): Redis is not connected any more.");
  });
});
