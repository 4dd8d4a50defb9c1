import { expect, test } from "vitest";
import { processesOf } from "../../src/web/operations/processes.ts";
import { ageText, rateText, shareText, uptimeText } from "../../src/web/operations/text.ts";
import { readingAt } from "./web-metrics.ts";

test.each([
  [0, "0"],
  [0.4, "0.4"],
  [9.96, "10"],
  [12_345.6, "12,346"],
])("a rate of %d is %s", (rate, text) => expect(rateText(rate)).toBe(text));

test.each([
  [0.0004, "0.4 ms"],
  [0.0231, "23 ms"],
  [0.9996, "1.0 s"],
  [10, "10.0 s"],
])("an age of %d is %s", (seconds, text) => expect(ageText(seconds)).toBe(text));

test.each([
  [0, "0 %"],
  [0.0123, "1.2 %"],
  [1.5, "150 %"],
])("a share of %d is %s", (share, text) => expect(shareText(share)).toBe(text));

test.each([
  [42.9, "42 s"],
  [3 * 60 + 59, "3 min"],
  [5 * 3_600 + 600, "5 h 10 min"],
  [12 * 86_400 + 4 * 3_600, "12 d 4 h"],
])("an uptime of %d is %s", (seconds, text) => expect(uptimeText(seconds)).toBe(text));

test("processes: primary, core, and gateways by their number; one that does not answer is there", () => {
  const reading = readingAt(
    0,
    ...["gateway-10", "gateway-2", "core", "primary"].map(
      (name) => `process_up{process="${name}"} ${name === "core" ? 0 : 1}`,
    ),
    'process_resident_memory_bytes{process="gateway-2"} 5',
    'process_loop_delay_seconds{process="gateway-2",quantile="0.99"} 0.25',
  );
  const rows = processesOf(reading, null);
  expect(rows.map(({ name, answers }) => [name, answers])).toEqual([
    ["primary", true],
    ["core", false],
    ["gateway-2", true],
    ["gateway-10", true],
  ]);
  expect(rows[2]).toMatchObject({
    memoryBytes: 5,
    lateLoopDelaySeconds: 0.25,
    medianLoopDelaySeconds: null,
    cpu: null,
  });
});
