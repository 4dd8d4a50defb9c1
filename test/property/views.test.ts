import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CoreEngine } from "../../src/engine/core-engine.ts";
import { createEngine, type Message, Reader, settle, viewOf } from "../engine-harness.ts";
import type { ManualClock } from "../manual-clock.ts";
import { history } from "./arbitrary-events.ts";

type History = (typeof history)["generate"] extends (...args: never[]) => { value: infer Value }
  ? Value
  : never;

const RANK: Record<string, number> = { CANCELLED: 2, FAILED: 3, COMPLETED: 4 };

/** Fails at the first message that takes something back from whoever reads them in this order. */
function expectNothingGoesBack(messages: readonly Message[]): void {
  const percent = new Map<string, number>();
  const attempts = new Map<string, { attempt: number; started: boolean; rank: number }>();
  let seq = 0;
  let jobEnds = 0;
  for (const message of messages) {
    const now = Number(message.id.split("-")[1]);
    expect(now).toBeGreaterThan(seq);
    seq = now;
    expect(JSON.stringify(message)).not.toMatch(/NaN|Infinity/);
    const isEnd = message.type === "upload_completed" || message.type === "job_completed";
    expect(isEnd ? message.progress === 100 : (message.progress ?? 0) < 100).toBe(true);
    if (message.photoId === undefined) {
      const key = `job ${message.totalsVersion}`;
      if (message.type === "job_completed") jobEnds += 1;
      else expect(jobEnds).toBe(0);
      expect(message.progress ?? percent.get(key) ?? 0).toBeGreaterThanOrEqual(percent.get(key) ?? 0);
      percent.set(key, message.progress ?? percent.get(key) ?? 0);
      continue;
    }
    const before = percent.get(message.photoId) ?? 0;
    if (message.type !== "upload_started") {
      expect(message.progress ?? before).toBeGreaterThanOrEqual(before);
      percent.set(message.photoId, message.progress ?? before);
    }
    expectAttemptInOrder(attempts, message);
  }
  expect(jobEnds).toBeLessThanOrEqual(1);
}

function expectAttemptInOrder(
  attempts: Map<string, { attempt: number; started: boolean; rank: number }>,
  message: Message,
): void {
  const { photoId = "", attempt = 0, type, status } = message;
  const known = attempts.get(photoId);
  expect(attempt).toBeGreaterThanOrEqual(known?.attempt ?? 1);
  const current = known?.attempt === attempt ? known : { attempt, started: false, rank: 0 };
  if (type === "upload_started") {
    expect(current.started).toBe(false);
    current.started = true;
  } else {
    expect(current.started).toBe(true);
    const rank = RANK[status] ?? 0;
    // An ending is followed by a greater one only, never by older progress.
    if (current.rank > 0 || rank > 0) expect(rank).toBeGreaterThan(current.rank);
    current.rank = rank;
  }
  attempts.set(photoId, current);
}

async function play(
  engine: CoreEngine,
  clock: ManualClock,
  steps: History,
  afterStep: (step: number) => Promise<void> = async () => undefined,
): Promise<void> {
  for (const [step, { batch, passMs }] of steps.entries()) {
    await engine.publish(batch);
    await clock.advance(passMs);
    await afterStep(step);
  }
  await clock.advance(1000);
  await settle();
}

describe("a client's view", () => {
  it("never goes back, and endings of an attempt strictly rise", async () => {
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const { engine, clock } = createEngine();
        const reader = new Reader(engine, "u");
        await settle();
        await play(engine, clock, steps);
        expectNothingGoesBack(reader.messages);
      }),
      { numRuns: 300 },
    );
  });

  it("ends with the last state: the newest message of everything equals a fresh snapshot", async () => {
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const { engine, clock } = createEngine({ recentMs: 1e12, retentionMs: 2e12 });
        const reader = new Reader(engine, "u");
        await settle();
        await play(engine, clock, steps);
        const fresh = new Reader(engine, "u");
        await settle();
        expect(latest(reader.messages)).toEqual(latest(fresh.messages));
      }),
      { numRuns: 300 },
    );
  });

  it("is the same for one that was cut at any point and resumed with its last id", async () => {
    const cuts = fc.array(fc.record({ step: fc.nat(24), away: fc.nat(4) }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(history, cuts, fc.boolean(), async (steps, when, holds) => {
        const { engine, clock } = createEngine();
        const whole = new Reader(engine, "u");
        const parts: Message[] = [];
        let reader: Reader | null = new Reader(engine, "u");
        let lastId: string | null = null;
        await settle();
        await play(engine, clock, steps, async (step) => {
          const cut = when.find((one) => one.step === step);
          if (cut !== undefined && reader !== null) {
            lastId = reader.lastId ?? lastId;
            parts.push(...reader.messages);
            reader.close();
            reader = null;
          }
          const isAway = when.some((one) => step >= one.step && step < one.step + one.away);
          if (reader === null && !isAway) {
            reader = new Reader(engine, "u", { lastEventId: lastId }, holds ? 3 : undefined);
            await settle();
          }
        });
        reader ??= new Reader(engine, "u", { lastEventId: lastId });
        await settle();
        reader.resume();
        await settle();
        const seen = [...parts, ...reader.messages];
        expectNothingGoesBack(seen);
        expect(viewOf(seen)).toEqual(viewOf(whole.messages));
      }),
      { numRuns: 300 },
    );
  });

  it("never goes back for a client that polls in between, either", async () => {
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const { engine, clock } = createEngine();
        const live = new Reader(engine, "u");
        await settle();
        const highest = new Map<string, number>();
        await play(engine, clock, steps, async () => {
          const page = await engine.read({
            userId: "u",
            jobId: null,
            from: { kind: "start", lastEventId: null },
          });
          const polled = page.messages.map(({ json }) => JSON.parse(json) as Message);
          for (const message of [...live.messages.splice(0), ...polled]) {
            if (message.photoId === undefined || message.type === "upload_started") continue;
            const before = highest.get(message.photoId) ?? 0;
            highest.set(message.photoId, Math.max(before, message.progress ?? 0));
          }
          for (const message of polled) {
            if (message.photoId === undefined || message.type === "upload_started") continue;
            expect(message.progress ?? 1000).toBeGreaterThanOrEqual(highest.get(message.photoId) ?? 0);
          }
        });
      }),
      { numRuns: 200 },
    );
  });
});

/** The newest message of each photo and job, whole but for the rate and a name heard late, which alone are no news. */
function latest(messages: readonly Message[]): Record<string, unknown> {
  const byKey: Record<string, unknown> = {};
  for (const { bytesPerSecond: _rate, etaSeconds: _eta, fileName: _name, ...message } of messages) {
    byKey[message.photoId ?? "job"] = message;
  }
  return byKey;
}
