import { createServer, type Socket } from "node:net";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { Revocations } from "../../src/auth/revocations.ts";
import type { OutMessage } from "../../src/engine/contract.ts";
import { GatewaySide } from "../../src/engine/link/gateway-side.ts";
import { Reader } from "../engine-harness.ts";
import { event } from "../events.ts";
import { type LinkedEngine, linkedEngine, untilQuiet } from "../link-harness.ts";
import { eventually } from "./gateway-harness.ts";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function linked(options: Parameters<typeof linkedEngine>[0] = {}): Promise<LinkedEngine> {
  const under = await linkedEngine(options);
  stops.push(under.stop);
  return under;
}

/** A place between gateway and core where the link can be cut, and stopped. */
async function between(
  path: string,
): Promise<{ path: string; cut(): void; stopReading(): void; go(): void }> {
  const pairs = new Set<[Socket, Socket]>();
  const server = createServer((near) => {
    const far = new (near.constructor as typeof Socket)();
    far.connect(path);
    near.pipe(far);
    far.pipe(near);
    const pair: [Socket, Socket] = [near, far];
    pairs.add(pair);
    for (const socket of pair) {
      socket.on("error", () => {});
      socket.on("close", () => {
        near.destroy();
        far.destroy();
        pairs.delete(pair);
      });
    }
  });
  const own = `${path}.between`;
  await new Promise<void>((resolve) => server.listen(own, resolve));
  stops.push(() => server.close());
  return {
    path: own,
    cut: () => pairs.forEach(([near]) => void near.destroy()),
    stopReading: () => pairs.forEach(([near, far]) => void far.unpipe(near).pause()),
    go: () => pairs.forEach(([near, far]) => void far.pipe(near)),
  };
}

async function gatewayAt(path: string, name: string): Promise<GatewaySide> {
  const side = new GatewaySide({ path, name, revocations: new Revocations() });
  stops.push(() => side.close());
  await untilQuiet(side);
  return side;
}

const seqsOf = (messages: readonly OutMessage[]) => messages.map(({ seq }) => seq);

describe("interest", () => {
  test("a gateway is sent what its own users are shown, and nothing else", async () => {
    const { core, coreSide, side, path, clock } = await linked();
    const other = await gatewayAt(path, "2");
    const reader = new Reader(side, "u");
    new Reader(other, "v");
    await untilQuiet(side);
    await untilQuiet(other);
    await core.publish([event.started(), event.started({ userId: "w", jobId: "k" })]);
    await clock.advance(100);
    await eventually(() => reader.sent.length === 2, "both messages of u");
    await untilQuiet(other);
    expect(coreSide.stats).toMatchObject([
      { name: "1", sent: 2, watchedUsers: 1 },
      { name: "2", sent: 0, watchedUsers: 1 },
    ]);
  });

  test("ends with the last connection of the user", async () => {
    const { core, coreSide, side } = await linked();
    const readers = [new Reader(side, "u"), new Reader(side, "u")];
    await untilQuiet(side);
    readers[0]?.close();
    await untilQuiet(side);
    expect(coreSide.stats).toMatchObject([{ watchedUsers: 1 }]);
    readers[1]?.close();
    await untilQuiet(side);
    await core.publish([event.started()]);
    await untilQuiet(side);
    expect(coreSide.stats).toMatchObject([{ watchedUsers: 0, sent: 0 }]);
  });
});

describe("a link that breaks", () => {
  test("what was shown meanwhile is read when it is back, in order, once", async () => {
    const { core, path, clock } = await linked();
    const middle = await between(path);
    const side = await gatewayAt(middle.path, "2");
    const reader = new Reader(side, "u");
    await untilQuiet(side);
    await core.publish([event.started()]);
    await eventually(() => reader.sent.length === 2, "live");
    middle.cut();
    await core.publish([event.progressed(300), event.completed()]);
    await clock.advance(100);
    await eventually(() => reader.syncs.length === 2, "read again");
    expect(reader.syncs.at(-1)).toMatchObject({ mode: "resumed", id: reader.lastId });
    expect(reader.messages.at(-2)).toMatchObject({ type: "upload_completed" });
    const seqs = seqsOf(reader.sent);
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
    expect(reader.errors).toEqual([]);
  });

  test("opens and reads of the gap wait for it, and succeed", async () => {
    const { core, path } = await linked();
    await core.publish([event.started()]);
    const side = new GatewaySide({ path: `${path}.late`, name: "2", revocations: new Revocations() });
    stops.push(() => side.close());
    expect(side.health().ready).toBe(false);
    const reader = new Reader(side, "u");
    const page = side.read({ userId: "u", jobId: null, from: { kind: "start", lastEventId: null } });
    const late = createServer((near) => {
      const far = new (near.constructor as typeof Socket)();
      far.connect(path);
      near.pipe(far).pipe(near);
      near.on("close", () => far.destroy()).on("error", () => {});
    });
    await new Promise<void>((resolve) => late.listen(`${path}.late`, resolve));
    stops.push(() => late.close());
    expect((await page).messages.length).toBe(2);
    await eventually(() => reader.syncs.length > 0, "synced");
    expect(side.health().ready).toBe(true);
  });

  test("who waits for longer than 5 s is refused, to come back", async () => {
    const time = { nowMs: 0 };
    const side = new GatewaySide({
      path: "/nowhere/core.sock",
      name: "2",
      revocations: new Revocations(),
      clock: { monotonicMs: () => time.nowMs },
    });
    stops.push(() => side.close());
    const read = side.read({ userId: "u", jobId: null, from: { kind: "start", lastEventId: null } });
    time.nowMs = 5_001;
    await expect(read).rejects.toMatchObject({ code: "overloaded", retryAfterSeconds: 2 });
  });

  test("wherever it is cut, the view is that of a reader that was never cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.record({ bytes: fc.integer({ min: 1, max: 999 }), photo: fc.constantFrom("a", "b", "c") }),
            fc.constant("cut" as const),
            fc.constant("done" as const),
          ),
          { maxLength: 25 },
        ),
        async (steps) => {
          const under = await linkedEngine({ photoIntervalMs: 0, jobIntervalMs: 0 });
          const middle = await between(under.path);
          const side = new GatewaySide({ path: middle.path, name: "2", revocations: new Revocations() });
          try {
            const whole = new Reader(under.core, "u");
            const cut = new Reader(side, "u");
            for (const step of steps) {
              if (step === "cut") middle.cut();
              else if (step === "done") await under.core.publish([event.completed({ photoId: "a" })]);
              else await under.core.publish([event.progressed(step.bytes, { photoId: step.photo })]);
              await new Promise((resolve) => setImmediate(resolve));
            }
            await untilQuiet(side);
            await eventually(() => cut.lastId === whole.lastId, "the newest id");
            expect(cut.view).toEqual(whole.view);
            const seqs = seqsOf(cut.sent);
            expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
            expect(cut.errors).toEqual([]);
          } finally {
            side.close();
            await under.stop();
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe("a gateway that reads too slowly", () => {
  test("is not queued for without bound, and reads what it missed", async () => {
    const { core, coreSide, side, path, clock } = await linked({ photoIntervalMs: 0, jobIntervalMs: 0 });
    const middle = await between(path);
    const slow = await gatewayAt(middle.path, "2");
    const [free, behind] = [new Reader(side, "u"), new Reader(slow, "u")];
    await untilQuiet(side);
    await untilQuiet(slow);
    middle.stopReading();
    let most = 0;
    const photos = Array.from({ length: 500 }, (_, index) => `p${index}`);
    for (let round = 1; round <= 100; round += 1) {
      await core.publish(photos.map((photoId) => event.progressed(round, { photoId })));
      await clock.advance(10);
      await new Promise((resolve) => setImmediate(resolve));
      most = Math.max(most, coreSide.stats[1]?.queuedBytes ?? 0);
    }
    expect(coreSide.stats[1]?.missed).toBeGreaterThan(1_000);
    // 100 rounds of 500 messages are 15 MB and more.
    expect(most).toBeLessThan(5 * 1024 * 1024);
    middle.go();
    await eventually(() => behind.lastId === free.lastId && behind.syncs.length > 1, "caught up", 10_000);
    expect(behind.view).toEqual(free.view);
    const seqs = seqsOf(behind.sent);
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
  });
});
