import fc from "fast-check";
import { expect, test } from "vitest";
import { parseMetrics } from "../../src/metrics/parse.ts";

const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,12}$/);
// As a text -0 is 0.
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
const sample = fc.record({
  name,
  labels: fc.dictionary(name, fc.string(), { noNullPrototype: true, maxKeys: 4 }),
  value: fc.oneof(number, fc.constantFrom(Infinity, -Infinity)),
});

const escaped = (value: string): string =>
  value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
const numberText = (value: number): string => String(value).replace("Infinity", "Inf");

test("whatever labels and values a series has, they are read as they were written", () => {
  fc.assert(
    fc.property(fc.uniqueArray(sample, { selector: (one) => one.name, maxLength: 6 }), (samples) => {
      const text = samples
        .map(({ name, labels, value }) => {
          const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
          return `# HELP ${name} of {braces="too"} 5\n# TYPE ${name} gauge\n${name}{${pairs.join(",")}} ${numberText(value)}\n`;
        })
        .join("");
      expect([...parseMetrics(text).values()]).toEqual(samples);
    }),
  );
});

test("samples without labels, with a time, +Inf and NaN; comments and blank lines are none", () => {
  const text = '\n# HELP a b\na 5\nb{le="+Inf"} +Inf 1700000000\nc NaN\nnot a sample at all\n';
  expect([...parseMetrics(text).values()]).toEqual([
    { name: "a", labels: {}, value: 5 },
    { name: "b", labels: { le: "+Inf" }, value: Infinity },
    { name: "c", labels: {}, value: Number.NaN },
  ]);
});
