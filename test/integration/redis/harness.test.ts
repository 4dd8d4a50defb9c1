import { afterEach, expect, it } from "vitest";
import { describeWithRedis } from "../../redis/available.ts";
import { makeCertificate } from "../../redis/certificate.ts";
import { startRedisCluster } from "../../redis/cluster.ts";
import { startSentinels } from "../../redis/sentinel.ts";
import { endAllServers, startRedis } from "../../redis/server.ts";

afterEach(endAllServers);

describeWithRedis("the harness of the Redis suites", () => {
  it.each([
    ["without persistence loses its data in a restart", "none", false, null],
    ["with persistence keeps its data, even after kill -9", "always", false, "value"],
    ["with persistence loses its data when it is told to", "always", true, null],
  ] as const)("a server %s", async (_what, persistence, empty, after) => {
    const server = await startRedis({ persistence });
    await server.command("SET", "key", "value");
    await server.kill();
    await expect(server.command("PING")).rejects.toThrow();
    await server.start({ empty });
    expect(await server.command("GET", "key")).toBe(after);
  });

  it("a server with TLS and a password takes nobody without them", async () => {
    const server = await startRedis({ tls: makeCertificate(), password: "a/b@c:d" });
    expect(await server.command("PING")).toBe("PONG");
    expect(server.url).toBe(`rediss://:a%2Fb%40c%3Ad@localhost:${server.port}`);
  });

  it("sentinels agree on another master", async () => {
    const setup = await startSentinels();
    const before = await setup.masterPort();
    expect(await setup.failOver()).not.toBe(before);
  });

  it("a slot of a cluster moves with its keys", async () => {
    const cluster = await startRedisCluster();
    const slot = Number(await cluster.nodes[0]?.command("CLUSTER", "KEYSLOT", "{a}1"));
    const from = await cluster.ownerOf(slot);
    const to = (from + 1) % 3;
    await cluster.nodes[from]?.command("SET", "{a}1", "value");
    await cluster.moveSlot(slot, from, to);
    expect(await cluster.ownerOf(slot)).toBe(to);
    expect(await cluster.nodes[to]?.command("GET", "{a}1")).toBe("value");
  });
});
