import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEngine, type Message, Reader, settle, viewOf } from "../engine-harness.ts";
import { history } from "./arbitrary-events.ts";
import { expectNothingGoesBack, latest, play } from "./client-view.ts";

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
