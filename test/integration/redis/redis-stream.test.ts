import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { until } from "../../../simulator/oracle/until.ts";
import { HubError } from "../../../src/errors.ts";
import { describeWithRedis } from "../../redis/available.ts";
import { startRedisCluster } from "../../redis/cluster.ts";
import { startSentinels } from "../../redis/sentinel.ts";
import { endAllServers, type RedisServer, startRedis } from "../../redis/server.ts";
import {
  add,
  closeSources,
  cloudEvent,
  entriesOf,
  idsOf,
  type ScriptedEngine,
  STREAM,
  scriptedEngine,
  startSource,
  untilPending,
  untilTaken,
} from "./stream-harness.ts";

const DEAD = `${STREAM}:dead`;

let engine: ScriptedEngine;

beforeEach(() => {
  engine = scriptedEngine();
});

afterEach(() => {
  closeSources();
  endAllServers();
});

const groupOf = async (server: RedisServer) => {
  const reply = await server.command("XINFO", "GROUPS", STREAM);
  const [group]: unknown[] = Array.isArray(reply) ? reply : [];
  const fields: unknown[] = Array.isArray(group) ? group : [];
  return Object.fromEntries(
    fields.flatMap((name, at) => (at % 2 === 0 ? [[String(name), fields[at + 1]]] : [])),
  );
};

describeWithRedis("a Redis Stream", () => {
  it("is read from its beginning, in order, and acknowledged", async () => {
    const server = await startRedis();
    const ids = idsOf(500);
    await add(server, ...ids.slice(0, 10).map((id) => cloudEvent(id)));
    const { source, counts } = startSource(server.url, engine);
    await untilTaken(engine, ids.slice(0, 10));
    await Promise.all(ids.slice(10).map((id) => add(server, cloudEvent(id))));
    await untilTaken(engine, ids);
    await untilPending(server, 0);
    expect(engine.taken.slice(0, 10)).toEqual(ids.slice(0, 10));
    expect(engine.taken).toHaveLength(500);
    expect([...counts.entries()]).toEqual([
      { type: "photo.upload.completed", result: "accepted", count: 500 },
    ]);
    expect(await source.figures()).toEqual({ behind: 0, pending: 0 });
    expect(await groupOf(server)).toMatchObject({ name: "progress-hub", consumers: 1 });
    // Nothing is taken out of the stream: that is for whoever fills it.
    expect(await server.command("XLEN", STREAM)).toBe(500);
  });

  it("puts what can never be taken with its reason among the dead letters, and goes on", async () => {
    const server = await startRedis();
    engine.refuse = ({ id }) =>
      id === "stolen" ? "owner_mismatch" : id === "full" ? "too_many_photos" : null;
    const { source, counts, lines } = startSource(server.url, engine);
    const wrong = cloudEvent("wrong", { photoId: 7 });
    await add(server, cloudEvent("a"), '{"cut":', wrong, cloudEvent("stolen"), cloudEvent("full"));
    await server.command("XADD", STREAM, "*", "other", "field");
    await add(server, cloudEvent("b"));
    await untilTaken(engine, ["a", "b"]);
    await untilPending(server, 0);
    expect(await entriesOf(server, DEAD)).toEqual([
      { event: '{"cut":', code: "malformed_json", message: "the event must be JSON in UTF-8" },
      { event: wrong, code: "invalid_field", message: expect.stringContaining("photoId must be") },
      { event: cloudEvent("stolen"), code: "owner_mismatch", message: "refused: owner_mismatch" },
      { event: cloudEvent("full"), code: "too_many_photos", message: "refused: too_many_photos" },
      { event: '["other","field"]', code: "invalid_field", message: "the entry has no field `event`" },
    ]);
    const letters = { malformed_json: 1, invalid_field: 2, owner_mismatch: 1, too_many_photos: 1 };
    expect(Object.fromEntries(source.stats.deadLetters)).toEqual(letters);
    expect([...counts.entries()].reduce((sum, { count }) => sum + count, 0)).toBe(7);
    const told = lines().filter(({ msg }) => String(msg).includes("can't be taken"));
    expect(told.length).toBeGreaterThan(0);
    expect(told[0]).toMatchObject({ level: 40, deadStream: DEAD });
  });

  it("keeps bytes that are no text as they were", async () => {
    const server = await startRedis();
    startSource(server.url, engine);
    await server.command("EVAL", `return redis.call("XADD", "${STREAM}", "*", "event", "\\255\\1")`, "0");
    const same = async () =>
      (await server.command(
        "EVAL",
        `local d = redis.call("XRANGE", "${DEAD}", "-", "+") if #d == 0 then return 0 end return d[1][2][2] == "\\255\\1" and 1 or 2`,
        "0",
      )) === 1;
    await until(same, "the dead letter has the same bytes", 10_000);
  });

  it("gives an event whose owner is not known yet again, until it is", async () => {
    const server = await startRedis();
    let isKnown = false;
    engine.refuse = ({ id }) => (id === "early" && !isKnown ? "owner_unknown" : null);
    startSource(server.url, engine, { retryAfterMs: () => 20, sweepEveryMs: 20 });
    await add(server, cloudEvent("early"), cloudEvent("other"));
    await untilTaken(engine, ["other"]);
    await untilPending(server, 1);
    isKnown = true;
    await untilTaken(engine, ["early"]);
    await untilPending(server, 0);
    expect(await entriesOf(server, DEAD)).toEqual([]);
  });

  it("gives up an event whose owner stays unknown after ten deliveries", async () => {
    const server = await startRedis();
    let tries = 0;
    engine.refuse = ({ id }) => {
      if (id !== "unowned") return null;
      tries += 1;
      return "owner_unknown";
    };
    startSource(server.url, engine, { retryAfterMs: () => 5, sweepEveryMs: 5 });
    await add(server, cloudEvent("unowned"), cloudEvent("other"));
    await until(async () => (await entriesOf(server, DEAD)).length > 0, "it is a dead letter", 15_000);
    expect(tries).toBe(10);
    expect(await entriesOf(server, DEAD)).toMatchObject([{ code: "owner_unknown" }]);
    await untilPending(server, 0);
    expect(engine.taken).toEqual(["other"]);
  });

  it.each(["store_unavailable", "overloaded", "draining"] as const)(
    "waits, reading nothing, while the hub answers %s, and loses nothing",
    async (code) => {
      const server = await startRedis();
      let refusals = 0;
      engine.before = async () => {
        if (refusals < 5) {
          refusals += 1;
          throw new HubError(code, undefined, 1);
        }
      };
      const { lines } = startSource(server.url, engine, { retryAfterMs: () => 5, sweepEveryMs: 5 });
      await add(server, '{"cut":', cloudEvent("a"));
      await until(() => refusals > 0, "the hub refuses", 10_000);
      const more = idsOf(300);
      await add(server, ...more.map((id) => cloudEvent(id)));
      await untilTaken(engine, ["a", ...more]);
      await untilPending(server, 0);
      expect(refusals).toBe(5);
      expect(await entriesOf(server, DEAD)).toMatchObject([{ code: "malformed_json" }]);
      const told = lines().map(({ msg }) => msg);
      expect(told.filter((msg) => String(msg).includes("takes no events now"))).toHaveLength(1);
      expect(told).toContain("events of the Redis Stream are taken again");
    },
  );

  it("holds the one event there is no room for, and acknowledges the others", async () => {
    const server = await startRedis();
    let isFull = true;
    engine.refuse = ({ id }) => (isFull && id === "big" ? "overloaded" : null);
    startSource(server.url, engine, { retryAfterMs: () => 5, sweepEveryMs: 5 });
    await add(server, cloudEvent("big"), cloudEvent("small"));
    await untilTaken(engine, ["small"]);
    isFull = false;
    await untilTaken(engine, ["big"]);
    await untilPending(server, 0);
    expect(await entriesOf(server, DEAD)).toEqual([]);
  });

  it("is taken over from a consumer that died between reading and acknowledging", async () => {
    const server = await startRedis();
    const dying = scriptedEngine();
    dying.before = () => new Promise(() => {});
    const dead = startSource(server.url, dying);
    const ids = idsOf(20);
    await add(server, ...ids.map((id) => cloudEvent(id)));
    await until(async () => Number((await groupOf(server)).pending) > 0, "it has read", 10_000);
    dead.source.close();
    startSource(server.url, engine, { claimAfterMs: 100, sweepEveryMs: 20 });
    await untilTaken(engine, ids);
    await untilPending(server, 0);
  });

  it("shares its entries between several consumers, each once", async () => {
    const server = await startRedis();
    const other = scriptedEngine();
    startSource(server.url, engine);
    startSource(server.url, other);
    const ids = idsOf(400);
    await add(server, ...ids.map((id) => cloudEvent(id)));
    await until(() => engine.taken.length + other.taken.length >= 400, "everything is taken", 10_000);
    expect([...engine.taken, ...other.taken].sort()).toEqual([...ids].sort());
    await untilPending(server, 0);
  });

  it("stops in order: finishes what it has read, and leaves no consumer behind", async () => {
    const server = await startRedis();
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    engine.before = () => gate;
    const { source } = startSource(server.url, engine);
    await add(server, cloudEvent("a"));
    await untilPending(server, 1);
    const stopped = source.stop();
    await add(server, cloudEvent("late"));
    release();
    await stopped;
    expect(engine.taken).toEqual(["a"]);
    expect(await groupOf(server)).toMatchObject({ consumers: 0, pending: 0, lag: 1 });
  });

  it("stops while the hub takes nothing, and leaves what it holds to the next one", async () => {
    const server = await startRedis();
    engine.before = async () => {
      throw new HubError("store_unavailable");
    };
    const { source } = startSource(server.url, engine);
    await add(server, cloudEvent("a"));
    await untilPending(server, 1);
    await source.stop();
    expect(await groupOf(server)).toMatchObject({ consumers: 1, pending: 1 });
    const next = scriptedEngine();
    startSource(server.url, next, { claimAfterMs: 50, sweepEveryMs: 20 });
    await untilTaken(next, ["a"]);
  });

  it("needs no more rights than the docs say", async () => {
    const docs = readFileSync(new URL("../../../docs/operations.md", import.meta.url), "utf8");
    const [, rule = ""] = /ACL SETUSER hub (.*)/.exec(docs) ?? [];
    const server = await startRedis();
    await server.command("ACL", "SETUSER", "hub", ...rule.split(" "));
    const { source, lines } = startSource(server.url.replace("//", "//hub:password@"), engine);
    await add(server, cloudEvent("a"), "{");
    await untilTaken(engine, ["a"]);
    await until(async () => (await entriesOf(server, DEAD)).length === 1, "a dead letter", 10_000);
    expect(await source.figures()).toEqual({ behind: 0, pending: 0 });
    await source.stop();
    expect(await groupOf(server)).toMatchObject({ consumers: 0 });
    expect(lines().map(({ msg }) => msg)).toEqual(["events of the Redis Stream can't be taken"]);
  });

  it("tells how far behind the hubs are", async () => {
    const server = await startRedis();
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    engine.before = () => gate;
    const { source } = startSource(server.url, engine);
    await add(server, cloudEvent("a"));
    await untilPending(server, 1);
    await add(server, cloudEvent("b"), cloudEvent("c"));
    expect(await source.figures()).toEqual({ behind: 2, pending: 1 });
    release();
    await untilTaken(engine, ["a", "b", "c"]);
    await server.kill();
    await until(async () => (await source.figures()) === null, "nothing is told while Redis is away", 10_000);
  });
});

describeWithRedis("a Redis Stream through faults", () => {
  it("that is away from the start is read as soon as it is there", async () => {
    const server = await startRedis();
    await server.kill();
    const { lines } = startSource(server.url, engine);
    await until(() => lines().some(({ level }) => level === 40), "it is told", 10_000);
    await server.start();
    await add(server, cloudEvent("a"));
    await untilTaken(engine, ["a"]);
    await until(() => lines().length === 2, "it is told", 10_000);
    expect(lines().map(({ msg }) => msg)).toEqual([
      "the Redis Stream can't be read, events wait in it",
      "the Redis Stream is read again",
    ]);
  });

  it.each(["with", "without"] as const)("goes on after a restart %s its data, told once", async (data) => {
    const server = await startRedis({ persistence: "always" });
    const { lines } = startSource(server.url, engine, { retryAfterMs: () => 20, sweepEveryMs: 20 });
    const before = idsOf(50, "before");
    await add(server, ...before.map((id) => cloudEvent(id)));
    await untilTaken(engine, before.slice(0, 1));
    await server.kill();
    await until(() => lines().some(({ level }) => level === 40), "it is told", 10_000);
    await server.start({ empty: data === "without" });
    const after = idsOf(50, "after");
    await add(server, ...after.map((id) => cloudEvent(id)));
    await untilTaken(engine, data === "with" ? [...before, ...after] : after);
    await untilPending(server, 0);
    expect(lines().filter(({ level }) => level === 40)).toHaveLength(1);
  });

  it("is read again when its group, or the stream itself, was taken away", async () => {
    const server = await startRedis();
    startSource(server.url, engine);
    await add(server, cloudEvent("a"));
    await untilTaken(engine, ["a"]);
    await server.command("DEL", STREAM);
    await add(server, cloudEvent("b"));
    await untilTaken(engine, ["b"]);
    await server.command("XGROUP", "DESTROY", STREAM, "progress-hub");
    await add(server, cloudEvent("c"));
    await untilTaken(engine, ["c"]);
  });

  it("survives that Redis hangs", async () => {
    const server = await startRedis();
    const { lines } = startSource(server.url, engine, { retryAfterMs: () => 20, sweepEveryMs: 20 });
    await add(server, cloudEvent("a"));
    await untilTaken(engine, ["a"]);
    server.hang();
    await until(() => lines().some(({ level }) => level === 40), "it is told", 10_000);
    server.wake();
    await add(server, cloudEvent("b"));
    await untilTaken(engine, ["b"]);
    await untilPending(server, 0);
  });

  it("loses nothing in restarts in mid-flow, and no dead letter either", async () => {
    const server = await startRedis({ persistence: "always" });
    startSource(server.url, engine, { retryAfterMs: () => 20, sweepEveryMs: 20 });
    const ids = idsOf(300);
    const added: string[] = [];
    for (const [index, id] of ids.entries()) {
      if (index === 100 || index === 200) {
        await server.kill();
        await server.start();
      }
      await add(server, cloudEvent(id));
      added.push(id);
    }
    await add(server, '{"cut":');
    await untilTaken(engine, added);
    await untilPending(server, 0);
    expect(await entriesOf(server, DEAD)).toMatchObject([{ code: "malformed_json" }]);
  });

  it("goes on at the master that sentinels name", async () => {
    const setup = await startSentinels();
    startSource(setup.url, engine, { retryAfterMs: () => 20, sweepEveryMs: 20 });
    const masterOf = async () => {
      const port = await setup.masterPort();
      const master = setup.servers.find((server) => server.port === port);
      if (master === undefined) throw new Error("no master");
      return master;
    };
    await add(await masterOf(), cloudEvent("a"));
    await untilTaken(engine, ["a"]);
    const before = await setup.masterPort();
    await (await masterOf()).kill();
    await until(async () => (await setup.masterPort()) !== before, "another master", 20_000);
    await until(
      async () =>
        add(await masterOf(), cloudEvent("b")).then(
          () => true,
          () => false,
        ),
      "it takes writes",
      10_000,
    );
    await untilTaken(engine, ["b"]);
  });

  it.each(["plain", "{tagged}"])("in a cluster, named %s, has its dead letters too", async (name) => {
    const cluster = await startRedisCluster();
    startSource(cluster.url, engine, {}, name);
    const slot = Number(await cluster.nodes[0]?.command("CLUSTER", "KEYSLOT", name));
    const owner = cluster.nodes[await cluster.ownerOf(slot)];
    await owner?.command("XADD", name, "*", "event", cloudEvent("a"));
    await owner?.command("XADD", name, "*", "event", "{");
    await untilTaken(engine, ["a"]);
    const deadSlot = Number(await cluster.nodes[0]?.command("CLUSTER", "KEYSLOT", `${name}:dead`));
    const deadOwner = cluster.nodes[await cluster.ownerOf(deadSlot)];
    const letters = async () => Number(await deadOwner?.command("XLEN", `${name}:dead`)) === 1;
    await until(letters, "one dead letter", 10_000);
    const pending = async () => {
      const reply = await owner?.command("XPENDING", name, "progress-hub");
      return Array.isArray(reply) && reply[0] === 0;
    };
    await until(pending, "all is acknowledged", 10_000);
  });
});
