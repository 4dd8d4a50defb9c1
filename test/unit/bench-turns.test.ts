import { describe, expect, test } from "vitest";
import { TurnTaking } from "../../bench/turns.ts";

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
    expect(one).toMatchObject({ slotMs: 200, everyMs: 400 });
    expect(other).toEqual({ ...one, startsAtMs: one.startsAtMs + 200 });
    expect(one.startsAtMs).toBeGreaterThan(performance.now());
    // As often as they like.
    const [again, otherAgain] = await Promise.all([second.meet(50), first.meet(50)]);
    expect(again.startsAtMs - otherAgain.startsAtMs).toBe(50);
  });

  test("do not wait for one that has come to its end", async () => {
    const taking = new TurnTaking(2);
    const second = taking.of(1);
    const waiting = second.meet(100);
    taking.leave(0);
    expect(await waiting).toMatchObject({ slotMs: 100, everyMs: 200 });
    expect(await second.meet(100)).toMatchObject({ slotMs: 100 });
    // It keeps its slots, also for who asks for them only now.
    expect(await taking.of(1).meet(100)).toMatchObject({ everyMs: 200 });
  });
});
