import { ConfigError, type ConfigProblem, nearest } from "../../src/config/errors.ts";
import type { Catalogue, KnownMetric } from "./catalogue.ts";
import { parseThreshold, type Threshold } from "./threshold.ts";

/** A line that a scenario's figures are held against. */
export interface Gate {
  /** The scenario's id: `latency`. */
  readonly scenario: string;
  /** Without the scenario's id: `sse`. */
  readonly metric: string;
  readonly threshold: Threshold;
  /** Of the metric: see `KnownMetric`. */
  readonly correctness: boolean;
}

const KEY = /"((?:[^"\\]|\\.)*)"\s*:/g;

/**
 * Reads `{"<scenario>.<metric>": ["<threshold>", ...]}`. A baseline file has the same shape: its gates are appended.
 * Throws a `ConfigError` with all problems at once; `file` is how it names the file.
 */
export function parseGates(json: string, known: Catalogue, file = "gates.json"): readonly Gate[] {
  const problems: ConfigProblem[] = repeatedKeys(json).map((key) => ({
    origin: `${file}: ${key}`,
    problem: "is there twice, and only the last would count",
    remedy: "put all its thresholds in one list",
  }));
  const gates = Object.entries(parseObject(json, file)).flatMap(([key, thresholds]) =>
    gatesOf(key, thresholds, known, (problem, remedy, index) => {
      const place = index === undefined ? key : `${key}[${index}]`;
      problems.push({ origin: `${file}: ${place}`, problem, remedy });
    }),
  );
  if (problems.length > 0) throw new ConfigError(problems);
  return gates;
}

type Report = (problem: string, remedy: string | null, index?: number) => void;

function gatesOf(key: string, thresholds: unknown, known: Catalogue, report: Report): Gate[] {
  const [scenario, metric] = splitKey(key);
  const found = known.get(scenario)?.get(metric);
  if (found === undefined) report(...unknownMetric(key, scenario, known));
  if (!Array.isArray(thresholds) || thresholds.length === 0) {
    report("has no thresholds", 'give it a list of them, such as ["count==0"]');
    return [];
  }
  return thresholds.flatMap((text: unknown, index) => {
    if (typeof text !== "string") {
      report("is no text", 'write the threshold alone, such as "count==0"', index);
      return [];
    }
    if (thresholds.indexOf(text) < index) report(`"${text}" is there twice`, "take one out", index);
    if (found === undefined) return [];
    return gateOf(text, { scenario, metric }, found, (problem, remedy) => {
      report(`"${text}" ${problem}`, remedy, index);
    });
  });
}

function gateOf(
  text: string,
  place: Pick<Gate, "scenario" | "metric">,
  { type, correctness }: KnownMetric,
  report: (problem: string, remedy: string) => void,
): Gate[] {
  const { threshold, problems } = parseThreshold(text, type);
  for (const { problem, remedy } of problems) report(problem, remedy);
  return threshold === null ? [] : [{ ...place, threshold, correctness }];
}

function unknownMetric(
  key: string,
  scenario: string,
  known: Catalogue,
): readonly [problem: string, remedy: string] {
  const keys = [...known].flatMap(([id, metrics]) => [...metrics.keys()].map((name) => `${id}.${name}`));
  const near = nearest(key, keys);
  const remedy = near === null ? null : `did you mean ${near}?`;
  const metrics = known.get(scenario);
  if (metrics === undefined) {
    return ["names no scenario", remedy ?? `known: ${[...known.keys()].join(", ")}`];
  }
  return [`names no metric of ${scenario}`, remedy ?? `known: ${[...metrics.keys()].join(", ")}`];
}

/** At the first dot: a metric may have dots of its own, a scenario has none. */
function splitKey(key: string): readonly [scenario: string, metric: string] {
  const dot = key.indexOf(".");
  return dot < 0 ? [key, ""] : [key.slice(0, dot), key.slice(dot + 1)];
}

function parseObject(json: string, file: string): object {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigError([{ origin: file, problem: `is no JSON: ${why}`, remedy: null }]);
  }
  if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return parsed;
  const remedy = 'write {"latency.sse": ["p(99)<100"]}';
  throw new ConfigError([{ origin: file, problem: "is no JSON object", remedy }]);
}

/** JSON.parse keeps the last of them without a word: a gate would be gone. */
function repeatedKeys(json: string): readonly string[] {
  const keys = [...json.matchAll(KEY)].map(([, key = ""]) => key);
  return [...new Set(keys.filter((key, index) => keys.indexOf(key) < index))];
}
