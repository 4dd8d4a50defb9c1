import { describe, expect, test } from "vitest";
import type { RunOutcome } from "../../bench/run.ts";
import { TurnTaking } from "../../bench/turns.ts";
import { runTogether, type Shared } from "../../bench/vs/together.ts";
import { resultOf } from "./bench-result.ts";

describe("two sides that take turns", () => {
  test("wait for each other, and have slots that follow each other", async () => {
    const taking = new TurnTaking(2);
    const [first, second] = [taking.of(0), taking.of(1)];
    let isMet = false;
    const met = first.meet(200).then((turn) => {
      isMet = true;
      return turn;
    });
    await Promise.resolve();
    expect(isMet).toBe(false);
    const [one, other] = await Promise.all([met, second.meet(200)]);
    expect(one).toMatchObject({ slotMs: 200, everyMs: 2 * (200 + one.gapMs) });
    expect(other).toEqual({ ...one, startsAtMs: one.startsAtMs + 200 + one.gapMs });
    expect(one.startsAtMs).toBeGreaterThan(performance.now());
    // As often as they like.
    const [again, otherAgain] = await Promise.all([second.meet(50), first.meet(50)]);
    expect(again.startsAtMs - otherAgain.startsAtMs).toBe(50 + again.gapMs);
  });

  test("do not wait for one that has come to its end", async () => {
    const taking = new TurnTaking(2);
    const second = taking.of(1);
    const waiting = second.meet(100);
    taking.leave(0);
    const turn = await waiting;
    expect(turn).toMatchObject({ slotMs: 100, everyMs: 2 * (100 + turn.gapMs) });
    expect(await second.meet(100)).toMatchObject({ slotMs: 100 });
    // It keeps its slots, also for who asks for them only now.
    expect(await taking.of(1).meet(100)).toMatchObject({ everyMs: turn.everyMs });
  });
});

describe("sides that run together", () => {
  const outcomeOf = (died: string | null = null): RunOutcome => ({ result: resultOf([]), died });
  const untilEnded = ({ signal }: Shared): Promise<never> =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("ended"))));
  const progress = { phase: () => undefined, numbers: () => undefined };

  test("are there at the same time, and end together", async () => {
    const { signal } = new AbortController();
    const outcomes = await runTogether(["hub", "relay"], { progress, signal }, async (_, { turns }) => {
      await turns.meet(10);
      return outcomeOf();
    });
    expect(outcomes.map(([side, { died }]) => [side, died])).toEqual([
      ["hub", null],
      ["relay", null],
    ]);
  });

  test("end when one of them dies, which alone is told", async () => {
    const { signal } = new AbortController();
    const outcomes = await runTogether(["hub", "relay"], { progress, signal }, async (side, shared) =>
      side === "hub" ? untilEnded(shared) : outcomeOf("it was killed"),
    );
    expect(outcomes.map(([side, { died }]) => [side, died])).toEqual([["relay", "it was killed"]]);
  });

  test("end when one of them breaks, for that reason", async () => {
    const { signal } = new AbortController();
    const running = runTogether(["hub", "relay"], { progress, signal }, async (side, shared) => {
      if (side === "hub") return untilEnded(shared);
      throw new Error("no port is free");
    });
    await expect(running).rejects.toThrow("no port is free");
  });

  test("end when they are told to", async () => {
    const stop = new AbortController();
    const running = runTogether(["hub", "relay"], { progress, signal: stop.signal }, (_, shared) =>
      untilEnded(shared),
    );
    stop.abort(new Error("Ctrl-C"));
    await expect(running).rejects.toThrow("Ctrl-C");
  });
});
