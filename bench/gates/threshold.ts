import type { Metric } from "../metric.ts";

// The grammar is k6's (grafana/k6, metrics/thresholds_parser.go), so that what teams know holds here:
//
//   threshold    -> aggregation operator limit, with spaces between them or not
//   aggregation  -> avg min med max count p(N) of a trend; count rate of a counter; value of a gauge; rate of a rate
//   operator     -> > >= < <= == === !=
//   limit        -> a number, in the metric's unit

export type MetricType = Metric["type"];

const AGGREGATIONS = {
  trend: ["avg", "min", "med", "max", "count", "p"],
  counter: ["count", "rate"],
  gauge: ["value"],
  rate: ["rate"],
} as const satisfies Record<MetricType, readonly string[]>;
type Aggregation = (typeof AGGREGATIONS)[MetricType][number];

const OPERATORS = {
  ">": (value, limit) => value > limit,
  ">=": (value, limit) => value >= limit,
  "<": (value, limit) => value < limit,
  "<=": (value, limit) => value <= limit,
  "==": (value, limit) => value === limit,
  "===": (value, limit) => value === limit,
  "!=": (value, limit) => value !== limit,
} as const satisfies Record<string, (value: number, limit: number) => boolean>;
type Operator = keyof typeof OPERATORS;

export interface Threshold {
  /** As it was written: `p(99)<100`. */
  readonly text: string;
  readonly aggregation: Aggregation;
  /** 0 to 100 for `p`, null for all others. */
  readonly percentile: number | null;
  readonly operator: Operator;
  readonly limit: number;
}

/** What is wrong with a threshold, and what to write instead. */
interface ThresholdProblem {
  readonly problem: string;
  readonly remedy: string;
}

interface Parsed {
  /** Null where there are problems. */
  readonly threshold: Threshold | null;
  readonly problems: readonly ThresholdProblem[];
}

const PARTS = /^\s*([^\s<>=!]+)\s*([<>=!]+)\s*(\S.*?)\s*$/;
const PERCENTILE = /^p\((\d+(?:\.\d+)?)\)$/;
const NUMBER = /^-?\d+(?:\.\d+)?$/;

/** A threshold on a metric of such a type; what is wrong is told of each of its parts. */
export function parseThreshold(text: string, type: MetricType): Parsed {
  const [, left, operator, limit] = PARTS.exec(text) ?? [];
  if (left === undefined || operator === undefined || limit === undefined) {
    const remedy = `write an aggregation, an operator and a number, such as "${exampleOf(type)}"`;
    return { threshold: null, problems: [{ problem: "is no threshold", remedy }] };
  }
  const [aggregation, percentile] = aggregationOf(left, type);
  const problems: ThresholdProblem[] = [];
  if (aggregation === null) {
    problems.push({ problem: `has "${left}", which a ${type} has not`, remedy: `use ${offered(type)}` });
  } else if (percentile !== null && percentile > 100) {
    problems.push({ problem: `has a percentile of ${percentile}`, remedy: "use one of 0 to 100" });
  }
  if (!isOperator(operator)) {
    const remedy = `use one of ${Object.keys(OPERATORS).join(" ")}`;
    problems.push({ problem: `has "${operator}", which is no operator`, remedy });
  }
  if (!NUMBER.test(limit)) {
    const remedy = "write digits alone, in the metric's unit";
    problems.push({ problem: `has "${limit}", which is no number`, remedy });
  }
  if (aggregation === null || !isOperator(operator) || problems.length > 0) {
    return { threshold: null, problems };
  }
  return { threshold: { text, aggregation, percentile, operator, limit: Number(limit) }, problems };
}

/** False for a value of null: without a sample nothing holds. */
export function holds({ operator, limit }: Threshold, value: number | null): boolean {
  return value !== null && OPERATORS[operator](value, limit);
}

function aggregationOf(text: string, type: MetricType): readonly [Aggregation | null, number | null] {
  const percentile = PERCENTILE.exec(text)?.[1];
  const name = percentile === undefined ? text : "p";
  const known: readonly Aggregation[] = AGGREGATIONS[type];
  const found = known.find((one) => one === name && (name === "p") === (percentile !== undefined));
  return [found ?? null, percentile === undefined ? null : Number(percentile)];
}

function isOperator(text: string): text is Operator {
  return Object.hasOwn(OPERATORS, text);
}

function offered(type: MetricType): string {
  return AGGREGATIONS[type].map((name) => (name === "p" ? "p(N)" : name)).join(", ");
}

function exampleOf(type: MetricType): string {
  return { trend: "p(99)<100", counter: "count==0", gauge: "value<=5", rate: "rate==1" }[type];
}
