import { describe, expect, it } from "vitest";
import { optionsOf } from "../../bench/k6/options.ts";
import { firstOf, type K6Plan, vusOf } from "../../bench/k6/plan.ts";
import { parseK6Summary } from "../../bench/k6/summary.ts";
import { aggregationOf, k6Thresholds, trendStatsOf } from "../../bench/k6/thresholds.ts";

const plan: K6Plan = {
  publicUrl: "http://127.0.0.1:8080",
  tokensPath: "/tmp/tokens.json",
  summaryPath: "/tmp/summary.json",
  connections: { socketio: 401, websocket: 200, polling: 0 },
  connectionsPerVu: 200,
  connectionsPerSecond: 1_000,
  originUnixMs: 10_000,
  warmUpMs: 0,
  endUnixMs: 70_000,
  thresholds: { socketio: ["p(99)<100", "p(99.99)<500"] },
};

describe("thresholds of k6", () => {
  it("are the gates of its scenario, and each Trend has a partner that fails without samples", () => {
    const gates = {
      "k6.socketio": ["p(99)<100", "max<500"],
      websocket: ["p(99)<100"],
      "k6.errors": ["count==0"],
    };
    expect(k6Thresholds(gates)).toEqual({
      socketio: ["p(99)<100", "max<500"],
      socketio_samples: ["count>0"],
      websocket: ["p(99)<100"],
      websocket_samples: ["count>0"],
      errors: ["count==0"],
    });
  });

  it("leave out what the script doesn't measure", () => {
    expect(k6Thresholds({ "k6.agreement": ["value<5"], "latency.sse": ["p(99)<100"] })).toEqual({});
  });

  it("are shown with the value that was compared, whatever percentile it is", () => {
    expect(trendStatsOf(plan.thresholds)).toEqual(
      expect.arrayContaining(["count", "med", "p(99)", "p(99.99)"]),
    );
    expect(["p(99) < 100", "p( 99.9)<=1", "avg>0", "count==0"].map(aggregationOf)).toEqual([
      "p(99)",
      "p(99.9)",
      "avg",
      "count",
    ]);
  });
});

describe("a plan", () => {
  it("spreads connections over as few virtual users as hold them", () => {
    expect([vusOf(plan, "socketio"), vusOf(plan, "websocket"), vusOf(plan, "polling")]).toEqual([3, 1, 0]);
    expect([firstOf(plan, "socketio"), firstOf(plan, "websocket"), firstOf(plan, "polling")]).toEqual([
      0, 401, 601,
    ]);
  });

  it("is a scenario a transport that has connections, until its end and the closing after it", () => {
    const { scenarios } = optionsOf(plan, 5_000);
    expect(scenarios).toMatchObject({
      socketio: { exec: "socketio", vus: 3, iterations: 1, maxDuration: "75000ms" },
      websocket: { exec: "websocket", vus: 1, iterations: 1 },
    });
    expect(scenarios).not.toHaveProperty("polling");
  });
});

describe("k6's summary", () => {
  const values = { count: 4, min: 1, avg: 2.5, med: 2.5, "p(90)": 3.7, "p(99)": 3.97, "p(99.9)": 4, max: 4 };
  const zeros = { count: 0, min: 0, avg: 0, med: 0, "p(90)": 0, "p(99)": 0, "p(99.9)": 0, max: 0 };
  const summary = parseK6Summary(
    JSON.stringify({
      root_group: {},
      metrics: {
        socketio: { type: "trend", contains: "time", values, thresholds: { "p(99)<3": { ok: false } } },
        websocket: {
          type: "trend",
          contains: "time",
          values: zeros,
          thresholds: { "p(99)<100": { ok: true } },
        },
        websocket_samples: {
          type: "counter",
          contains: "default",
          values: { count: 0, rate: 0 },
          thresholds: { "count>0": { ok: false } },
        },
        messages: { type: "counter", contains: "default", values: { count: 9, rate: 1.5 } },
      },
    }),
  );

  it("gives trends in milliseconds, and null, not 0, without samples", () => {
    expect(summary.trends.socketio).toEqual({
      count: 4,
      min: 1,
      avg: 2.5,
      med: 2.5,
      p90: 3.7,
      p99: 3.97,
      p999: 4,
      max: 4,
    });
    expect(summary.trends.websocket).toMatchObject({ count: 0, med: null, p99: null, max: null });
    expect(summary.trends.polling).toMatchObject({ count: 0, p99: null });
    expect(summary.counters).toEqual({ messages: 9, errors: 0, closes: 0, synced: 0 });
  });

  it("gives each threshold with what was compared", () => {
    expect(summary.thresholds).toEqual([
      { metric: "socketio", threshold: "p(99)<3", value: 3.97, ok: false },
      { metric: "websocket", threshold: "p(99)<100", value: null, ok: true },
      { metric: "websocket_samples", threshold: "count>0", value: 0, ok: false },
    ]);
  });

  it("of another shape is an error", () => {
    expect(() => parseK6Summary('{"metrics":[]}')).toThrow(/metrics/);
  });
});
