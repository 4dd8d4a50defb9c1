import { CATALOGUE, TRANSPORT_TITLES } from "../gates/catalogue.ts";
import type { BenchResult, GateVerdict, MetricSummary, ScenarioResult } from "../result.ts";
import { TRANSPORTS } from "../transports.ts";

// What every drawing of a result says in the same words.

export type Outcome = ScenarioResult["outcome"];

export const MARKS: Readonly<Record<Outcome, string>> = {
  passed: "✓",
  failed: "✗",
  inconclusive: "?",
  skipped: "–",
};

/** A gate for people: `SSE p99`, `143 ms`, `< 100 ms`. */
export interface GateWords {
  readonly what: string;
  readonly value: string;
  readonly limit: string;
}

/** A gate that is not green, with where it stands. */
export interface OpenGate {
  readonly scenario: ScenarioResult;
  readonly gate: GateVerdict;
}

const THRESHOLD = /^\s*(.+?)\s*(===|==|!=|>=|<=|>|<)\s*(.+?)\s*$/;
const OPERATOR_WORDS: Readonly<Record<string, string>> = {
  "===": "",
  "==": "",
  "!=": "not ",
  ">=": "≥ ",
  "<=": "≤ ",
  ">": "> ",
  "<": "< ",
};
const AGGREGATION_WORDS: Readonly<Record<string, string>> = {
  avg: "mean",
  med: "median",
  min: "minimum",
  max: "maximum",
};
const GIB = 2 ** 30;

/** `latency · 10,000 events/s` */
export function scenarioName({ id, variant }: Pick<ScenarioResult, "id" | "variant">): string {
  return variant === null ? id : `${id} · ${variant}`;
}

export function metricTitle(scenarioId: string, metric: string): string {
  return CATALOGUE.get(scenarioId)?.get(metric)?.title ?? metric;
}

/** Of `latency.sse` the `sse`. */
export function metricOf(gate: Pick<GateVerdict, "metric">): string {
  return gate.metric.slice(gate.metric.indexOf(".") + 1);
}

export function gatesOn(scenario: ScenarioResult, metric: string): readonly GateVerdict[] {
  return scenario.gates.filter((gate) => metricOf(gate) === metric);
}

export function gateWords(scenario: ScenarioResult, gate: GateVerdict): GateWords {
  const name = metricOf(gate);
  const title = metricTitle(scenario.id, name);
  const summary = scenario.metrics[name];
  const [, aggregation = "", operator = "", limit = ""] = THRESHOLD.exec(gate.threshold) ?? [];
  const type = summary?.type ?? CATALOGUE.get(scenario.id)?.get(name)?.type;
  if (type === "rate") {
    const wanted = operator.startsWith("==") && limit === "1" ? "all" : withOperator(operator, limit);
    return {
      what: title,
      value: summary?.type === "rate" ? ratioText(summary) : "no samples",
      limit: wanted,
    };
  }
  const unit = unitOf(summary, aggregation);
  const bound = withUnit(numberText(Number(limit)), unit);
  const rounded = gate.value === null ? "no samples" : valueText(gate.value, unit);
  // What is just over its limit must not be rounded to it.
  const hidden =
    gate.value !== null &&
    gate.outcome !== "passed" &&
    numberText(gate.value).replaceAll(",", "") === Number(limit).toFixed(digitsOf(gate.value));
  return {
    what: [title, aggregationWords(aggregation)].filter(Boolean).join(" "),
    value: hidden ? withUnit(String(gate.value), unit) : rounded,
    limit: withOperator(operator, bound),
  };
}

/** `p99 < 100 ms`, `= 0`: for where what it is about is said already. */
export function limitWords(scenario: ScenarioResult, gate: GateVerdict): string {
  const { what, limit } = gateWords(scenario, gate);
  const aggregation = /^\s*p\(/.test(gate.threshold) ? `${what.slice(what.lastIndexOf(" ") + 1)} ` : "";
  return `${aggregation}${/^-?\d/.test(limit) ? "= " : ""}${limit}`;
}

/** `≤ 2`: of a threshold whose unit is said elsewhere. */
export function boundWords(threshold: string): string {
  const [, , operator = "", limit = ""] = THRESHOLD.exec(threshold) ?? [];
  return withOperator(operator, numberText(Number(limit)));
}

/** `restart: lost messages 3, should be 0` */
export function redSentence(scenario: ScenarioResult, gate: GateVerdict): string {
  const { what, value, limit } = gateWords(scenario, gate);
  return `${scenarioName(scenario)}: ${what} ${value}, should be ${limit}`;
}

/** Of a trend its p99. */
export function summaryText(summary: MetricSummary): string {
  switch (summary.type) {
    case "trend":
      return summary.p99 === null ? "no samples" : valueText(summary.p99, summary.unit);
    case "counter":
      return valueText(summary.count, summary.unit);
    case "gauge":
      return valueText(summary.value, summary.unit);
    case "rate":
      return ratioText(summary);
  }
}

/** Three digits, thousands apart: `0.42`, `14.2`, `300,210`. */
export function numberText(value: number): string {
  const digits = digitsOf(value);
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function valueText(value: number, unit: string): string {
  return withUnit(numberText(value), unit);
}

/** `10,000 connections (5,000 Socket.IO, 2,500 WebSocket, 2,500 SSE)`, `10,000 events/s`: what there is of them. */
export function loadWords({ connections, eventsPerSecond }: ScenarioResult["load"]): readonly string[] {
  const counts = Object.entries(connections).filter(([, count]) => count > 0);
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  const kinds = counts.map(([name, count]) => `${numberText(count)} ${transportTitle(name)}`);
  return [
    ...(total > 0
      ? [`${counted(total, "connection")}${kinds.length > 0 ? ` (${kinds.join(", ")})` : ""}`]
      : []),
    ...(eventsPerSecond === null ? [] : [`${numberText(eventsPerSecond)} events/s`]),
  ];
}

export function transportTitle(name: string): string {
  const known = TRANSPORTS.find((transport) => transport === name);
  return known === undefined ? name : TRANSPORT_TITLES[known];
}

/** `65 s`, `4 min 10 s` */
export function durationText(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  return seconds < 120 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

export function machineWords({ machine }: Pick<BenchResult, "machine">): string {
  const memory = `${Math.round(machine.memoryBytes / GIB)} GiB`;
  return `${machine.cpu}, ${machine.cores} cores, ${memory}, ${machine.kernel}, Node ${machine.node.replace(/^v/, "")}`;
}

export function targetWords({ hub, target }: Pick<BenchResult, "hub" | "target">): string {
  const commit = hub.commit === null ? "" : ` (${hub.commit.slice(0, 10)})`;
  const kind = target.kind === "hub" ? "progress-hub" : target.kind;
  const workers = target.workers === null ? "" : `, ${counted(target.workers, "worker")}`;
  return `${kind} ${hub.version}${commit}${workers}${target.flags.map((flag) => ` ${flag}`).join("")}`;
}

export function gatesWith(result: BenchResult, outcome: GateVerdict["outcome"]): readonly OpenGate[] {
  return result.scenarios.flatMap((scenario) =>
    scenario.gates.filter((gate) => gate.outcome === outcome).map((gate) => ({ scenario, gate })),
  );
}

/** One sentence, without its full stop: `2 of 31 gates are red`. */
export function headline(result: BenchResult): string {
  const total = result.scenarios.reduce((sum, { gates }) => sum + gates.length, 0);
  const red = gatesWith(result, "failed").length;
  const open = gatesWith(result, "inconclusive").length;
  const broken = result.scenarios.filter(({ outcome }) => outcome === "failed");
  if (red > 0) return `${red} of ${counted(total, "gate")} ${red === 1 ? "is" : "are"} red`;
  if (broken.length > 0) return `${broken.map(scenarioName).join(", ")} broke`;
  if (open > 0) return `The machine was too busy: ${open} of ${counted(total, "gate")} can't be told`;
  if (result.outcome === "inconclusive") return "The run says nothing either way";
  const skipped = result.scenarios.filter(({ outcome }) => outcome === "skipped").length;
  if (skipped > 0 && skipped === result.scenarios.length) return "Nothing was measured";
  if (total === 0) return result.outcome === "passed" ? "Measured, without any gate" : "The run failed";
  return total === 1 ? "The only gate is green" : `All ${total} gates are green`;
}

/** Why a scenario is not simply passed, where its red gates don't say it: for people, a sentence each. */
export function openScenarios(result: BenchResult): readonly ScenarioResult[] {
  return result.scenarios.filter(({ outcome, reasons }) => outcome !== "passed" && reasons.length > 0);
}

/** Its reasons in one line, for where they have been said at length. */
export function briefly({ reasons, brief }: ScenarioResult): string {
  return brief ?? reasons.join("; ");
}

/** It failed before there was anything to judge. */
export function isBroken({ outcome, gates }: ScenarioResult): boolean {
  return outcome === "failed" && gates.length === 0;
}

export function counted(count: number, noun: string): string {
  return `${numberText(count)} ${noun}${count === 1 ? "" : "s"}`;
}

function digitsOf(value: number): number {
  return Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
}

export function aggregationWords(aggregation: string): string {
  if (aggregation.startsWith("p(")) return `p${aggregation.slice(2, -1)}`;
  return AGGREGATION_WORDS[aggregation] ?? "";
}

function ratioText({ passes, total }: { readonly passes: number; readonly total: number }): string {
  return total === 0 ? "no samples" : `${numberText(passes)} of ${numberText(total)}`;
}

function unitOf(summary: MetricSummary | undefined, aggregation: string): string {
  if (aggregation === "rate") return summary?.type === "counter" ? "/s" : "";
  // Only a trend is asked for more than its one number, and it is in milliseconds, measured or not.
  if (aggregation === "count") return summary?.type === "counter" ? summary.unit : "";
  return summary === undefined
    ? aggregation === "value"
      ? ""
      : "ms"
    : summary.type === "rate"
      ? ""
      : summary.unit;
}

function withOperator(operator: string, limit: string): string {
  return `${OPERATOR_WORDS[operator] ?? operator}${limit}`;
}

function withUnit(text: string, unit: string): string {
  return unit === "" ? text : `${text} ${unit}`;
}
