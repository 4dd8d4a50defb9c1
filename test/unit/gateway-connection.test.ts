import { pino } from "pino";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createVerifier } from "../../src/auth/verify.ts";
import { settingsFor } from "../../src/config/load.ts";
import { Directory } from "../../src/core/directory.ts";
import type { Engine, OutMessage, Sink } from "../../src/engine/contract.ts";
import { Admission } from "../../src/gateway/admission.ts";
import { Connection, type ConnectionLimits } from "../../src/gateway/connection.ts";
import { ConnectionLog } from "../../src/gateway/connection-log.ts";
import { Pressure } from "../../src/gateway/pressure.ts";
import { Registry } from "../../src/gateway/registry.ts";
import { Traffic } from "../../src/gateway/traffic.ts";
import type { Transport, TransportEvents } from "../../src/gateway/transport.ts";
import { Wheel } from "../../src/gateway/wheel.ts";

/** An engine that only says what it was asked. */
class ScriptedEngine implements Engine {
  readonly calls: string[] = [];
  sink: Sink | null = null;

  open(_userId: string, _options: object, sink: Sink) {
    this.sink = sink;
    return { resume: () => this.calls.push("resume"), close: () => this.calls.push("close") };
  }

  publish = () => Promise.reject(new Error("not asked for"));
  read = () => Promise.reject(new Error("not asked for"));
  jobs = () => Promise.reject(new Error("not asked for"));
  health = () => ({ ready: true, reason: null });
}

/** A transport whose kernel takes what it is told to. */
class ScriptedTransport implements Transport {
  readonly kind = "websocket";
  readonly log: string[] = [];
  buffered = 0;
  events: TransportEvents | null = null;

  carry(events: TransportEvents): void {
    this.events = events;
  }

  write(messages: readonly OutMessage[]): void {
    this.log.push(...messages.map(({ json }) => json));
    for (const { json } of messages) this.buffered += json.length;
  }

  control({ type }: { type: string }): void {
    this.log.push(type);
  }

  bufferedBytes(): number {
    return this.buffered;
  }

  end({ reason, closeCode }: { reason: string; closeCode: number | null }): void {
    this.log.push(`end ${reason} ${closeCode}`);
  }

  terminate(): void {
    this.log.push("terminate");
  }

  takes(bytes: number): void {
    this.buffered -= bytes;
    this.events?.drained();
  }
}

const START_MS = 1_800_000_000_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: START_MS });
});

afterEach(() => {
  vi.useRealTimers();
});

const LIMITS: ConnectionLimits = {
  slowBufferBytes: 100,
  slowTimeoutMs: 60_000,
  heartbeatMs: 25_000,
  pongTimeoutMs: 20_000,
  maxAgeMs: null,
};

function message(json: string): OutMessage {
  const bytes = Buffer.byteLength(json);
  return { seq: 1, id: "e-1", type: "upload_progress", jobId: "j", json, bytes, eventAtMs: 0 };
}

function connected(
  expiresInSeconds = 100_000,
  pressure = new Pressure(1_000),
  directory = new Directory(10),
  verifier = createVerifier(settingsFor({ jwtSecret: ["s".repeat(32)] })),
) {
  const clock = { nowMs: 0 };
  const wall = { aheadMs: 0 };
  const engine = new ScriptedEngine();
  const transport = new ScriptedTransport();
  const registry = new Registry(10, (orders) => directory.attach("gateway", orders));
  const wheel = new Wheel(100, () => clock.nowMs);
  const admission = new Admission(verifier, registry, [], { descriptors: 0 });
  const nowSeconds = Math.floor(Date.now() / 1_000);
  const identity = {
    userId: "u",
    expiresAtSeconds: nowSeconds + expiresInSeconds,
    issuedAtSeconds: nowSeconds,
    jti: null,
  };
  const connectionLog = new ConnectionLog(pino({ level: "silent" }), "gateway");
  const connection = new Connection(
    transport,
    identity,
    { engine, registry, wheel, pressure, admission, traffic: new Traffic(), connectionLog },
    LIMITS,
  );
  connection.start(null, null, null);
  const run = (ms: number, stepMs = 100) => {
    const untilMs = clock.nowMs + ms;
    while (clock.nowMs < untilMs) {
      clock.nowMs = Math.min(untilMs, clock.nowMs + stepMs);
      vi.setSystemTime(START_MS + wall.aheadMs + clock.nowMs);
      wheel.advance();
    }
  };
  return { connection, engine, transport, registry, pressure, wall, run };
}

test("a group is taken whole; above slow-buffer it says no more, and resumes at half of it", () => {
  const { connection, engine, transport, pressure } = connected();
  expect(connection.send([message("x".repeat(100))])).toBe(true);
  expect(connection.send([message("y".repeat(60)), message("z".repeat(60))])).toBe(false);
  expect(transport.log).toHaveLength(3);
  expect(pressure).toMatchObject({ slowHolds: 1, held: 1, totalBytes: 220 });
  transport.takes(120);
  expect(engine.calls).toEqual([]);
  transport.takes(50);
  expect(engine.calls).toEqual(["resume"]);
  expect(pressure).toMatchObject({ slowHolds: 1, held: 0, totalBytes: 50 });
  transport.takes(50);
  expect(engine.calls).toEqual(["resume"]);
});

test("held, it is sent no heartbeat, and not ended for a pong it could not give", () => {
  const { connection, transport, run } = connected();
  run(26_000);
  expect(transport.log).toEqual(["heartbeat"]);
  connection.send([message("x".repeat(101))]);
  run(59_000);
  expect(transport.log).toEqual(["heartbeat", "x".repeat(101)]);
  run(2_000);
  expect(transport.log.at(-1)).toBe("end too_slow 4408");
});

test("a hold's time begins anew with each hold", () => {
  const { connection, transport, pressure, run } = connected();
  for (let hold = 1; hold <= 3; hold += 1) {
    connection.send([message("x".repeat(101))]);
    run(50_000);
    transport.takes(101);
    connection.pong();
  }
  expect(pressure).toMatchObject({ slowHolds: 3, slowCloses: 0, held: 0 });
});

test("without a pong it is dropped; a pong keeps it", () => {
  const { connection, transport, registry, run } = connected();
  run(25_200);
  run(19_000);
  connection.pong();
  run(19_000);
  expect(transport.log).not.toContain("terminate");
  run(10_000);
  expect(transport.log.at(-1)).toBe("terminate");
  expect(registry.size).toBe(0);
});

test("after a pause of the whole process a waiting pong gets a turn first", () => {
  const { connection, transport, run } = connected();
  run(25_200);
  run(60_000, 60_000);
  expect(transport.log).not.toContain("terminate");
  connection.pong();
  run(10_000);
  expect(transport.log).not.toContain("terminate");
});

test("ended, it leaves the registry at once, takes nothing more, and its socket goes in the end", () => {
  const { connection, engine, transport, registry, pressure, run } = connected();
  connection.send([message("x".repeat(101))]);
  connection.failed(new Error("the engine is gone"));
  expect(transport.log.at(-1)).toBe("end internal_error 1011");
  expect(engine.calls).toEqual(["close"]);
  expect(registry.size).toBe(0);
  connection.send([message("late")]);
  connection.synced("resumed", "e-1", true);
  connection.tell({ type: "heartbeat" });
  connection.failed(new Error("again"));
  expect(transport.log).toHaveLength(2);
  run(6_000);
  expect(transport.log.at(-1)).toBe("terminate");
  expect(pressure).toMatchObject({ totalBytes: 0, held: 0 });
});

test("ended by the core, it is closed as the reason says, and is gone on both sides", () => {
  const directory = new Directory(10);
  const { connection, engine, transport, registry } = connected(undefined, undefined, directory);
  expect(directory.disconnect("v", "disconnected")).toBe(0);
  expect(directory.disconnect("u", "disconnected")).toBe(1);
  expect(directory.disconnect("u", "disconnected")).toBe(0);
  expect(transport.log).toEqual(["end disconnected 4401"]);
  expect(engine.calls).toEqual(["close"]);
  expect(registry.size).toBe(0);
  connection.closed();
  expect(directory.counts()).toMatchObject({ total: 0, users: 0 });
});

test("ended while it is let in, it opens nothing", () => {
  const { engine, transport } = connected(undefined, undefined, new Directory(0));
  expect(transport.log).toEqual(["end replaced 4429"]);
  expect(engine.sink).toBeNull();
});

test("a token revoked between admission and start opens nothing; revoked later, it ends", () => {
  const verifier = createVerifier(settingsFor({ jwtSecret: ["s".repeat(32)] }));
  const { connection, transport, registry, engine } = connected(undefined, undefined, undefined, verifier);
  const ofUser = { userId: "u", issuedBeforeSeconds: START_MS / 1_000 + 1, expiresAtSeconds: null };
  registry.endRevoked(verifier.revocations);
  expect(transport.log).toEqual([]);
  verifier.revocations.add(ofUser);
  registry.endRevoked(verifier.revocations);
  expect(transport.log).toEqual(["end token_revoked 4401"]);
  expect(engine.calls).toEqual(["close"]);
  expect([connection.isClosed, registry.size]).toEqual([false, 0]);
  const late = connected(undefined, undefined, undefined, verifier);
  expect(late.transport.log).toEqual(["end token_revoked 4401"]);
  expect([late.engine.sink, late.registry.size]).toEqual([null, 0]);
});

test("what the transport loses counts no more", () => {
  const { connection, engine, transport, registry, pressure } = connected();
  connection.send([message("x".repeat(101))]);
  transport.events?.closed();
  transport.events?.drained();
  transport.events?.closed();
  expect(engine.calls).toEqual(["close"]);
  expect(registry.size).toBe(0);
  expect(pressure).toMatchObject({ totalBytes: 0, held: 0 });
});

test.each([
  [100, 80_000],
  [1_000, 940_000],
])("a token of %i s is announced to end after %i ms, then ends with 4401", (lifeSeconds, noticeAfterMs) => {
  const { connection, transport, run } = connected(lifeSeconds);
  const runWithPongs = (ms: number) => {
    for (let passedMs = 0; passedMs < ms; passedMs += 1_000) {
      run(1_000);
      connection.pong();
    }
  };
  const words = () => transport.log.filter((word) => word !== "heartbeat");
  runWithPongs(noticeAfterMs - 1_000);
  expect(words()).toEqual([]);
  runWithPongs(2_000);
  expect(words()).toEqual(["token_expiring"]);
  runWithPongs(lifeSeconds * 1_000 - noticeAfterMs - 2_000);
  expect(words()).toEqual(["token_expiring"]);
  runWithPongs(2_000);
  expect(words()).toEqual(["token_expiring", "end token_expired 4401"]);
});

test("when the wall clock is set forward, the end of a token is noticed at the next tick", () => {
  const { transport, run, wall } = connected(10_000);
  run(1_000);
  expect(transport.log).toEqual([]);
  wall.aheadMs = 10_000_000;
  run(100);
  expect(transport.log).toEqual(["end token_expired 4401"]);
});

test("a flood of refreshes that nobody reads the answers of ends it", async () => {
  const { connection, transport } = connected();
  for (let count = 0; count < 100; count += 1) await connection.refresh("x");
  expect(transport.log).toEqual([]);
  await connection.refresh("x");
  expect(transport.log).toEqual(["end bad_frame 4400"]);
});

test("above max-buffered, what is ending anyway goes before those that are only held", () => {
  const pressure = new Pressure(1_000);
  const ending = connected(undefined, pressure);
  const held = connected(undefined, pressure);
  ending.connection.send([message("x".repeat(1_500))]);
  held.connection.send([message("y".repeat(120))]);
  ending.connection.end({ closeCode: null, reason: "job_ended", comesBack: true, afterMs: null });
  pressure.shed();
  expect(ending.transport.log.at(-1)).toBe("terminate");
  expect(held.transport.log).toHaveLength(1);
  expect(pressure).toMatchObject({ totalBytes: 120, held: 1 });
});

test("a normal end of a held connection leaves it the rest of its hold, no more", () => {
  const { connection, transport, run } = connected();
  connection.send([message("x".repeat(101))]);
  run(50_000);
  connection.end({ closeCode: null, reason: "max_age", comesBack: true, afterMs: null });
  run(9_000);
  expect(transport.log.at(-1)).toBe("end max_age null");
  run(1_500);
  expect(transport.log.at(-1)).toBe("terminate");
});
