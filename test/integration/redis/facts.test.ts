import slotOf from "cluster-key-slot";
import { afterEach, expect, it } from "vitest";
import { until } from "../../../simulator/oracle/until.ts";
import type { Link } from "../../../src/redis/link.ts";
import { connectRedis, type Redis } from "../../../src/redis/redis.ts";
import { describeWithRedis } from "../../redis/available.ts";
import { startRedisCluster } from "../../redis/cluster.ts";
import { endAllServers, type RedisServer, startRedis } from "../../redis/server.ts";

// What src/redis/redis.ts says of Redis and of node-redis, so that a new version of either that does otherwise is noticed.

const open: (Redis | Link)[] = [];

afterEach(() => {
  for (const each of open.splice(0)) each.close();
  endAllServers();
});

function opened<T extends Redis | Link>(each: T): T {
  open.push(each);
  return each;
}

const untilReady = (each: Redis | Link) => until(() => each.isReady, "it is ready", 15_000);

async function replicationIdOf(server: RedisServer): Promise<string> {
  const info = String(await server.command("INFO", "replication"));
  return /^master_replid:([0-9a-f]{40})\r?$/m.exec(info)?.[1] ?? info;
}

describeWithRedis("facts of Redis and node-redis", () => {
  it.each(["none", "always"] as const)(
    "a restart gives a new replication id (persistence: %s)",
    async (persistence) => {
      const server = await startRedis({ persistence });
      const before = await replicationIdOf(server);
      expect(before).toMatch(/^[0-9a-f]{40}$/);
      await server.stop();
      await server.start();
      expect(await replicationIdOf(server)).not.toBe(before);
    },
  );

  it("WAIT is for the writes of its own connection, and of all before its last one", async () => {
    const master = await startRedis();
    const replica = await startRedis({ args: ["--replicaof", "127.0.0.1", String(master.port)] });
    const inSync = async () =>
      String(await replica.command("INFO", "replication")).includes("master_link_status:up");
    await until(inSync, "the replica is in sync", 10_000);
    const redis = opened(connectRedis(master.url));
    await untilReady(redis);
    const own = opened(redis.dedicated("a"));
    await untilReady(own);
    const wait = (link: Link, ms: number) => link.run((client) => client.wait(1, ms), 5_000);
    replica.hang();
    await redis.run("a", (client) => client.set("a", "1"));
    expect(await wait(own, 100)).toBe(1);
    await own.run((client) => client.set("mark", "1"));
    expect(await wait(own, 100)).toBe(0);
    replica.wake();
    expect(await wait(own, 4_000)).toBe(1);
    expect(await replica.command("GET", "a")).toBe("1");
  });

  it("a sharded subscription ends when its slot moves, is told of, and can be made again where the slot is", async () => {
    const cluster = await startRedisCluster();
    const redis = opened(connectRedis(cluster.url));
    await untilReady(redis);
    const channel = "{moving}news";
    const from = await cluster.ownerOf(slotOf(channel));
    const to = (from + 1) % 3;
    const moved: string[] = [];
    const heard: string[] = [];
    const before = opened(redis.dedicated(channel));
    await untilReady(before);
    await before.run(async (client) => {
      client.on("sharded-channel-moved", (name: string) => moved.push(name));
      await client.sSubscribe(channel, (message) => heard.push(message));
    });
    const publish = (message: string) => redis.run(channel, (client) => client.sPublish(channel, message));
    await publish("first");
    await until(() => heard.length === 1, "the first message", 5_000);

    await cluster.moveSlot(slotOf(channel), from, to);
    await until(() => moved.length === 1, "it is told", 5_000);
    expect(moved).toEqual([channel]);
    expect(before.isReady).toBe(true);
    await publish("lost");
    expect(redis.nodeOf(channel)).toBe(`127.0.0.1:${cluster.nodes[to]?.port}`);

    const after = opened(redis.dedicated(channel));
    await untilReady(after);
    await after.run((client) => client.sSubscribe(channel, (message) => heard.push(message)));
    await publish("second");
    await until(() => heard.includes("second"), "the second message", 5_000);
    expect(heard).toEqual(["first", "second"]);
  });
});
