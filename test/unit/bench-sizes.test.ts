import { describe, expect, test } from "vitest";
import { SCENARIOS } from "../../bench/scenarios/all.ts";
import { PROFILES, planOf } from "../../bench/sizes.ts";

const ids = (...args: Parameters<typeof planOf>) => planOf(...args).map(({ scenario }) => scenario.id);
const order = SCENARIOS.map(({ id }) => id);
const inOrder = (wanted: readonly string[]) => order.filter((id) => wanted.includes(id));

describe("what a run consists of", () => {
  test.each(PROFILES)("profile %s, in the order in which scenarios share what they stand on", (profile) => {
    const all = ids(profile, [], {});
    expect(all).not.toEqual([]);
    expect(all).toEqual(inOrder(all));
    for (const { size } of planOf(profile, [], {})) {
      expect(size.connections).toBeGreaterThan(0);
      expect(size.measureMs).toBeGreaterThan(0);
      expect(size.rates.length).toBeGreaterThan(0);
    }
  });

  test("scenarios by name are those alone, each once, whatever the order they were named in", () => {
    expect(ids("smoke", ["latency", "connect", "latency"], {})).toEqual(["connect", "latency"]);
    expect(ids("smoke", [...order].reverse(), {})).toEqual(order);
  });

  test("a scenario that a profile leaves out has a size of that profile", () => {
    const left = order.filter((id) => !ids("soak", [], {}).includes(id));
    expect(left).not.toEqual([]);
    const sizes = planOf("soak", [], {}).map(({ size }) => size);
    for (const { size } of planOf("soak", left, {})) expect(sizes).toContainEqual(size);
  });

  test("what the user wants otherwise goes before the profile, in every scenario", () => {
    const plain = planOf("ci", [], {});
    const own = planOf("ci", [], { connections: 4_000, measureMs: 2_000 });
    expect(own.map(({ size }) => ({ ...size, rates: [] }))).toEqual(
      plain.map(({ size }) => ({ ...size, connections: 4_000, measureMs: 2_000, rates: [] })),
    );
  });

  test("few connections have few events, or these would be merged", () => {
    const rates = (connections: number) => planOf("full", ["latency"], { connections })[0]?.size.rates;
    expect(rates(10_000)).toEqual([1_000, 5_000]);
    expect(rates(1_000)).toEqual([1_000, 2_000]);
    expect(rates(40)).toEqual([80]);
  });

  test("an unknown name is not made into another's scenario", () => {
    expect(ids("smoke", ["latncy"], {})).toEqual([]);
  });
});
