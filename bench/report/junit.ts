import type { BenchResult, GateVerdict, ScenarioResult } from "../result.ts";
import { type Markup, markup } from "./markup.ts";
import { gateWords, machineWords, redSentence, scenarioName, targetWords } from "./words.ts";

/** A test of a suite, as CI shows it. */
interface Case {
  readonly name: string;
  readonly outcome: GateVerdict["outcome"] | "skipped";
  /** Why it is not passed. */
  readonly message: string;
}

/** JUnit's XML: a suite a scenario, a test a gate. What can't be told or was left out is skipped, with the reason. */
export function junitOf(result: BenchResult): string {
  const suites = result.scenarios.map((scenario) => ({ scenario, cases: casesOf(scenario) }));
  const cases = suites.flatMap((suite) => suite.cases);
  const document = markup`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="progress-hub bench" ${counts(cases)} time="${seconds(result.durationMs)}">
${suites.map(({ scenario, cases: own }) => suite(result, scenario, own))}</testsuites>
`;
  return document.text;
}

function suite(result: BenchResult, scenario: ScenarioResult, cases: readonly Case[]): Markup {
  const properties = {
    target: targetWords(result),
    machine: machineWords(result),
    profile: result.profile,
    command: result.command,
  };
  return markup`  <testsuite name="${scenarioName(scenario)}" ${counts(cases)} errors="0" time="${seconds(scenario.durationMs)}" timestamp="${result.startedAt}">
    <properties>
${Object.entries(properties).map(([name, value]) => markup`      <property name="${name}" value="${value}"/>\n`)}    </properties>
${cases.map((one) => testCase(scenario, one))}  </testsuite>
`;
}

function testCase(scenario: ScenarioResult, { name, outcome, message }: Case): Markup {
  const start = markup`    <testcase classname="bench.${scenario.id}" name="${name}" time="0"`;
  if (outcome === "passed") return markup`${start}/>\n`;
  if (outcome === "failed")
    return markup`${start}><failure message="${message}">${message}</failure></testcase>\n`;
  return markup`${start}><skipped message="${message}"/></testcase>\n`;
}

function casesOf(scenario: ScenarioResult): readonly Case[] {
  const why = scenario.reasons.join("; ");
  // Else two tests would have one name where a scenario ran twice.
  const variant = scenario.variant === null ? "" : ` (${scenario.variant})`;
  const cases = scenario.gates.map((gate): Case => {
    const { value, limit } = gateWords(scenario, gate);
    const message =
      gate.outcome === "failed"
        ? redSentence(scenario, gate)
        : `inconclusive: ${value}, should be ${limit}${why === "" ? "" : `; ${why}`}`;
    return { name: `${gate.metric} ${gate.threshold}${variant}`, outcome: gate.outcome, message };
  });
  // What no gate tells: it was left out, or broke before there was anything to judge.
  const told = cases.some(({ outcome }) => outcome === scenario.outcome);
  if (told) return cases;
  return [
    ...cases,
    { name: `${scenario.id}${variant}`, outcome: scenario.outcome, message: why || scenario.outcome },
  ];
}

function counts(cases: readonly Case[]): Markup {
  const failures = cases.filter(({ outcome }) => outcome === "failed").length;
  const skipped = cases.filter(({ outcome }) => outcome === "skipped" || outcome === "inconclusive").length;
  return markup`tests="${cases.length}" failures="${failures}" skipped="${skipped}"`;
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(3);
}
