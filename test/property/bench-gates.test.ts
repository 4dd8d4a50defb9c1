import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CATALOGUE } from "../../bench/gates/catalogue.ts";
import { parseGates } from "../../bench/gates/parse.ts";
import { holds, type MetricType, parseThreshold } from "../../bench/gates/threshold.ts";
import { ConfigError } from "../../src/config/errors.ts";

const TYPES: readonly MetricType[] = ["trend", "counter", "gauge", "rate"];
const KEYS = [...CATALOGUE].flatMap(([id, metrics]) => [...metrics].map(([name]) => `${id}.${name}`));

const percentile = fc.integer({ min: 0, max: 100_000 }).map((milli) => `p(${milli / 1_000})`);
const aggregation: Readonly<Record<MetricType, fc.Arbitrary<string>>> = {
  trend: fc.oneof(fc.constantFrom("avg", "min", "med", "max", "count"), percentile),
  counter: fc.constantFrom("count", "rate"),
  gauge: fc.constant("value"),
  rate: fc.constant("rate"),
};
const operator = fc.constantFrom(">", ">=", "<", "<=", "==", "===", "!=");
const limit = fc.integer({ min: -1_000_000, max: 1_000_000 }).map((milli) => milli / 1_000);
const space = fc.constantFrom("", " ", "  ", "\t");
const type = fc.constantFrom(...TYPES);
const wellFormed = type.chain((of) =>
  fc.record({
    of: fc.constant(of),
    aggregation: aggregation[of],
    operator,
    limit,
    gaps: fc.tuple(space, space, space, space),
  }),
);
type Written = typeof wellFormed extends fc.Arbitrary<infer T> ? T : never;

function textOf({ gaps: [before, left, right, after], ...parts }: Written): string {
  return `${before}${parts.aggregation}${left}${parts.operator}${right}${parts.limit}${after}`;
}

/** Of the pieces of thresholds, so that many are nearly right. */
const nearlyThreshold = fc
  .array(
    fc.oneof(fc.constantFrom("p(", "99", ")", "<", "=", "!", "count", "rate", ".", "-", " "), fc.string()),
    {
      maxLength: 7,
    },
  )
  .map((pieces) => pieces.join(""));

describe("thresholds", () => {
  it("are read as they were written, whatever the space between their parts", () => {
    fc.assert(
      fc.property(wellFormed, (written) => {
        const { threshold, problems } = parseThreshold(textOf(written), written.of);
        expect(problems).toEqual([]);
        const { aggregation: name, percentile: at, operator: by, limit: to } = threshold ?? {};
        expect([name === "p" ? `p(${at})` : name, by, to]).toEqual([
          written.aggregation,
          written.operator,
          written.limit,
        ]);
      }),
      { numRuns: 1_000 },
    );
  });

  it("hold as their operator says, and never without a value", () => {
    fc.assert(
      fc.property(wellFormed, fc.oneof(limit, fc.constant(null)), (written, value) => {
        const { threshold } = parseThreshold(textOf(written), written.of);
        if (threshold === null) throw new Error("not read");
        const signs = {
          ">": [1],
          ">=": [0, 1],
          "<": [-1],
          "<=": [-1, 0],
          "==": [0],
          "===": [0],
          "!=": [-1, 1],
        };
        const sign = value === null ? null : Math.sign(value - written.limit);
        expect(holds(threshold, value)).toBe(sign !== null && signs[threshold.operator].includes(sign));
      }),
    );
  });

  it("are either understood whole or refused with words: nothing is left unread", () => {
    fc.assert(
      fc.property(nearlyThreshold, type, (text, of) => {
        const { threshold, problems } = parseThreshold(text, of);
        expect(threshold === null).toBe(problems.length > 0);
        for (const { problem, remedy } of problems) expect([problem, remedy]).not.toContain("");
        if (threshold === null) return;
        const name = threshold.percentile === null ? threshold.aggregation : `p(${threshold.percentile})`;
        const again = parseThreshold(`${name}${threshold.operator}${threshold.limit}`, of);
        expect(again.threshold).toEqual({ ...threshold, text: again.threshold?.text });
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("gates.json", () => {
  it("gives gates or a ConfigError for any text, and nothing else", () => {
    const key = fc.oneof(fc.constantFrom(...KEYS), fc.string());
    const file = fc.dictionary(
      key,
      fc.oneof(fc.array(fc.oneof(nearlyThreshold, fc.anything())), fc.anything()),
    );
    const json = fc.oneof(
      fc.string(),
      file.map((object) => JSON.stringify(object, (_, value) => (typeof value === "bigint" ? null : value))),
    );
    fc.assert(
      fc.property(json, (text) => {
        try {
          expect(Array.isArray(parseGates(text, CATALOGUE))).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
        }
      }),
    );
  });

  it("reports every bad threshold among good ones", () => {
    const list = fc.array(fc.constantFrom("bad", "worse<", "count=0", "p(99)<1"), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...KEYS), list, { minKeys: 1 }), (file) => {
        const places = Object.entries(file).flatMap(([key, texts]) =>
          texts.flatMap((text, index) => (text === "p(99)<1" ? [] : [`gates.json: ${key}[${index}]`])),
        );
        let reported: readonly string[] = [];
        try {
          parseGates(JSON.stringify(file), CATALOGUE);
        } catch (error) {
          if (error instanceof ConfigError) reported = error.problems.map(({ origin }) => origin);
        }
        expect(reported).toEqual(expect.arrayContaining(places));
      }),
    );
  });
});
