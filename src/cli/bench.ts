import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { baselineOf } from "../../bench/gates/baseline.ts";
import { CATALOGUE } from "../../bench/gates/catalogue.ts";
import { type Gate, parseGates } from "../../bench/gates/parse.ts";
import { findK6, howToInstallK6 } from "../../bench/k6/find.ts";
import { drawScenario, drawVerdict, lookOf } from "../../bench/report/terminal.ts";
import { runBench } from "../../bench/run.ts";
import { SCENARIOS } from "../../bench/scenarios/all.ts";
import { PROFILES, type Profile, planOf, type SizeWishes } from "../../bench/sizes.ts";
import { TRANSPORTS } from "../../bench/transports.ts";
import { BASELINES, type Baseline } from "../../bench/vs/baselines.ts";
import { nearest } from "../config/errors.ts";
import { codeOf } from "../config/sources.ts";
import { createRedactor } from "../redact.ts";
import { type BaselineFlags, readBaseline, writeBaseline } from "./bench/baseline.ts";
import { addCompare } from "./bench/compare.ts";
import { OUTPUT_FORMATS, type OutputFiles, writeOutputs } from "./bench/outputs.ts";
import { preflight } from "./bench/preflight.ts";
import { refuseBeside, selfTest } from "./bench/self-test.ts";
import { codeFor, stoppable, wasBusy } from "./bench/stoppable.ts";
import { type TargetOptions, targetOf } from "./bench/target.ts";
import { benchVs } from "./bench/vs.ts";
import { CommandFailed, type ExitCode, exitCode } from "./exit-codes.ts";
import type { Host } from "./host.ts";
import type { End } from "./main.ts";
import { durationMs, refuseStray, takesAnything, wholeNumber } from "./options.ts";

interface Options extends OutputFiles, TargetOptions, BaselineFlags {
  readonly profile: Profile;
  readonly connections?: string;
  readonly duration?: string;
  readonly gates?: string;
  readonly selfTest?: true;
  readonly vs?: Baseline;
  readonly pairs?: string;
  readonly requireK6?: boolean;
}

/** As the hub's settings progress-interval and job-interval are by default. */
const HUB_RULES = { photoIntervalMs: 50, jobIntervalMs: 80, isDense: true };
const GATES = new URL("../../bench/gates.json", import.meta.url);
const MAX_CONNECTIONS = 100_000;

export function addBench(program: Command, host: Host, end: End): void {
  const command = takesAnything(program.command("bench"))
    .description("load harness and performance gate")
    .argument("[scenario...]", "which to run (default: those of the profile)")
    .addOption(
      new Option("--profile <name>", "how much of each").choices([...PROFILES]).default("smoke" as Profile),
    )
    .option("--connections <n>", "instead of the profile's")
    .option("--duration <duration>", "of what is measured, instead of the profile's")
    .option("--workers <n>", "gateways of the hub that is started (default: as serve)")
    .option("--redis <url>", "of the hubs that are started (default: none; scale-out starts a redis-server)")
    .option("--target <url>", "public address of a hub that runs already; needs the next three")
    .option("--internal <url>", "its internal address")
    .option("--ingest-token <secret>", "its secret for events (default: PROGRESS_HUB_INGEST_TOKEN)")
    .option("--jwt-secret <secret>", "its secret of tokens (default: PROGRESS_HUB_JWT_SECRET)")
    .option("--require-k6", "without k6, fail instead of skipping what needs it")
    .option("--gates <file>", "what must hold, in k6's grammar (default: ours)")
    .option("--self-test", "plants faults between a hub and its clients: each must turn its gate red")
    .addOption(
      new Option("--vs <baseline>", "the same load on a baseline, in turn, and the ratios").choices([
        ...BASELINES,
      ]),
    )
    .option("--baseline <file>", "costs, or with --vs ratios, may be 10 % above those of this file")
    .option("--write-baseline <file>", "writes such a file")
    .option("--pairs <n>", "with --vs: how often both are started (default: 5; fewer judge nothing)");
  for (const format of OUTPUT_FORMATS) command.option(`--${format} <file>`, `writes the result as ${format}`);
  command.addHelpText("after", helpText());
  addCompare(command, host, end);
  command.action(async (scenarios: readonly string[]) => {
    refuseStray(command, scenarios.length);
    const names = scenarios.filter((name) => !name.startsWith("-"));
    const options = command.opts<Options>();
    if (options.selfTest === true) {
      const given = Object.keys(options).filter((name) => command.getOptionValueSource(name) === "cli");
      refuseBeside(names, given);
      end(await testItself(host, options));
    } else end(await bench(host, names, options));
  });
}

function helpText(): string {
  const width = Math.max(...SCENARIOS.map(({ id }) => id.length));
  const lines = SCENARIOS.map(({ id, about }) => `  ${id.padEnd(width)}  ${about}`);
  return `
Scenarios:
${lines.join("\n")}

Without --target it starts a hub of its own, as serve would, and ends it. Exit codes: 0 every gate passed, 1 one failed,
2 wrong usage or gate file, 3 the machine was too busy to tell, 4 the target can't be reached or died.

--vs puts the same load on a hub and on a baseline, in fresh processes, where they take turns every few seconds, and judges
the ratios of CPU and memory by the gates of vs. It runs cost, or cost and latency as named, over what the baseline has:
plain-socketio is Socket.IO as a good engineer writes it in a day, with as many workers as the hub; bare-relay is the least
that moves a message over WebSocket and SSE, one process whatever --workers says.

Examples:
  progress-hub bench
  progress-hub bench --profile ci --html report.html --junit report.xml
  progress-hub bench latency --connections 2000 --duration 1m
  progress-hub bench --self-test
  progress-hub bench --vs bare-relay --workers 0
  progress-hub bench compare before.json after.json
  progress-hub bench latency --target http://127.0.0.1:8080 --internal http://127.0.0.1:8081 \\
    --ingest-token "$INGEST_TOKEN" --jwt-secret "$JWT_SECRET"`;
}

async function testItself(host: Host, options: Options): Promise<ExitCode> {
  const { json } = options;
  const gates = await readGates(host, undefined);
  const { start } = await targetOf(host, options);
  return selfTest(host, {
    ...{ wishes: wishesOf(options), gates, rules: HUB_RULES, startTarget: start },
    ...(json !== undefined && { json }),
  });
}

async function bench(host: Host, scenarios: readonly string[], options: Options): Promise<ExitCode> {
  // Whatever is wrong is said before any load.
  refuseUnknown(scenarios);
  const wishes = wishesOf(options);
  const gates = await readGates(host, options.gates);
  const baseline = await readBaseline(host, options);
  const { vs } = options;
  if (vs !== undefined) {
    return benchVs(host, { ...options, vs }, { scenarios, wishes, gates, baseline, rules: HUB_RULES });
  }
  if (options.pairs !== undefined)
    throw new CommandFailed(exitCode.usage, "--pairs is for --vs; leave it out");
  const sized = planOf(options.profile, scenarios, wishes);
  if (options.requireK6 === true && findK6() === null) {
    throw new CommandFailed(exitCode.usage, `there is no k6; ${howToInstallK6}`);
  }
  const target = await targetOf(host, options);
  await preflight(host, sized, { hubHere: target.kind !== "remote", sides: 1 });
  const look = lookOf(host.stdout, host.env);
  return stoppable(host, async (signal, progress) => {
    const { result, died } = await runBench({
      ...{ scenarios: sized, gates, progress, signal },
      ...(baseline !== undefined && { baseline }),
      profile: options.profile,
      command: commandOf(host, options),
      startTarget: target.start,
      canRestart: target.kind !== "remote",
      startHubs: target.startHubs,
      transports: TRANSPORTS,
      rules: HUB_RULES,
      onScenario: (scenario) => {
        progress.pause();
        host.stdout.write(`\n${drawScenario(scenario, look)}\n`);
      },
    });
    progress.pause();
    host.stdout.write(`\n${drawVerdict(result, look)}\n`);
    await writeOutputs(host, options, result);
    await writeBaseline(host, options, () => baselineOf(result), wasBusy([result]));
    if (died !== null) throw new CommandFailed(exitCode.unreachable, `the target died: ${died}`);
    return codeFor(result);
  });
}

/** As it was given, without secrets: reports are handed round. */
function commandOf({ argv }: Host, { ingestToken = "", jwtSecret = "" }: Options): string {
  return createRedactor([ingestToken, jwtSecret])(`progress-hub bench ${argv.slice(1).join(" ")}`.trim());
}

function refuseUnknown(names: readonly string[]): void {
  const known = SCENARIOS.map(({ id }) => id);
  const lines = names
    .filter((name) => !known.includes(name))
    .map((name) => {
      const near = nearest(name, known);
      const remedy = near === null ? `known: ${known.join(", ")}` : `did you mean ${near}?`;
      return `${name} is no scenario; ${remedy}`;
    });
  if (lines.length > 0) throw new CommandFailed(exitCode.usage, lines.join("\n"));
}

function wishesOf({ connections, duration }: Options): SizeWishes {
  return {
    ...(connections !== undefined && {
      connections: wholeNumber("--connections", connections, 1, MAX_CONNECTIONS),
    }),
    ...(duration !== undefined && { measureMs: durationMs("--duration", duration) }),
  };
}

async function readGates(host: Host, file: string | undefined): Promise<readonly Gate[]> {
  const path = file === undefined ? GATES : resolve(host.cwd, file);
  let json: string;
  try {
    json = await readFile(path, "utf8");
  } catch (error) {
    throw new CommandFailed(exitCode.usage, `--gates ${String(path)} can't be read (${codeOf(error)})`);
  }
  return parseGates(json, CATALOGUE, file);
}
