import { expect, test } from "vitest";
import { Restarts } from "../../src/cluster/restarts.ts";

test("at once, then 100 ms doubled each time up to 5 s, then no more", () => {
  const restarts = new Restarts();
  const delays = Array.from({ length: 9 }, () => restarts.next(500));
  expect(delays).toEqual([0, 100, 200, 400, 800, 1_600, 3_200, 5_000, null]);
});

test("one that served for 10 s had started well: what happens then counts from the beginning", () => {
  const restarts = new Restarts();
  for (let death = 0; death < 8; death += 1) restarts.next(9_999);
  expect(restarts.next(10_000)).toBe(0);
  expect(restarts.next(1)).toBe(100);
});
