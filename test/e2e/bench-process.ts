import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BenchResult, parseResult, type ScenarioResult } from "../../bench/result.ts";
import type { Trial } from "../../bench/self-test/verdict.ts";
import { remoteTarget } from "../../bench/target/remote.ts";
import type { Target } from "../../bench/target/target.ts";
import { until } from "../../simulator/oracle/until.ts";
import { type Cluster, INGEST_TOKEN, JWT_SECRET, killAll, markedEnv, program } from "../faults/cluster.ts";
import { processesMarked } from "../faults/processes.ts";

/** The built program's `bench` as a user runs it, with a folder of its own for all that it leaves behind. */
export interface BenchProcess {
  readonly child: ChildProcess;
  readonly folder: string;
  out(): string;
  err(): string;
  /** Its own processes, those of its hub and orphans too. */
  processes(): ReturnType<typeof processesMarked>;
  /** What it has put where temporary files go, and not removed. */
  leftovers(): readonly string[];
  /** Resolves once stderr says this. */
  untilSaid(words: string): Promise<void>;
  /** Its exit code, or the signal that ended it. */
  ended(): Promise<number | string>;
  /** What it wrote to --json. */
  result(): BenchResult;
  /** The same of --self-test. */
  trials(): readonly Trial[];
}

const DEADLINE_MS = 150_000;
const folders: string[] = [];

/** For `afterEach`: nothing a test has started outlives it. */
export function endBenches(): void {
  killAll();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

export function startBench(...argv: readonly string[]): BenchProcess {
  const folder = mkdtempSync(join(tmpdir(), "progress-hub-test-"));
  folders.push(folder);
  const json = join(folder, "result.json");
  const { env, mark } = markedEnv();
  const child = spawn(process.execPath, [program, "bench", ...argv, "--json", json], {
    env: { ...env, TMPDIR: folder, GITHUB_STEP_SUMMARY: join(folder, "summary.md") },
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [out, err] = ["", ""];
  let exit: { readonly code: number | string } | null = null;
  child.stdout.on("data", (chunk) => {
    out += String(chunk);
  });
  child.stderr.on("data", (chunk) => {
    err += String(chunk);
  });
  child.on("close", (code, signal) => {
    exit = { code: code ?? signal ?? "" };
  });
  const story = () => `${out}\n${err}`;
  const written = () => {
    if (!existsSync(json)) throw new Error(`no result\n${story()}`);
    return readFileSync(json, "utf8");
  };
  return {
    ...{ child, folder, out: () => out, err: () => err },
    processes: () => processesMarked(mark),
    leftovers: () => readdirSync(folder).filter((name) => name.startsWith("progress-hub-")),
    async untilSaid(words) {
      await until(() => err.includes(words) || exit !== null, words, DEADLINE_MS, story);
      if (!err.includes(words)) throw new Error(`it ended without "${words}"\n${story()}`);
    },
    ended: () => until(() => exit, "bench has ended", DEADLINE_MS, story).then(({ code }) => code),
    result: () => parseResult(written()),
    trials: () => JSON.parse(written()).trials,
  };
}

/** For a hub that the test has started. */
export function targetFlags({
  publicUrl,
  internalUrl,
}: Pick<Cluster, "publicUrl" | "internalUrl">): string[] {
  const secrets = ["--ingest-token", INGEST_TOKEN, "--jwt-secret", JWT_SECRET];
  return ["--target", publicUrl, "--internal", internalUrl, ...secrets];
}

/** The same as a target, to put something before it. */
export function targetOf({ publicUrl, internalUrl }: Cluster): Target {
  return remoteTarget({ publicUrl, internalUrl, jwtSecret: JWT_SECRET, ingestToken: INGEST_TOKEN });
}

export function scenarioIn({ scenarios }: BenchResult, id: string): ScenarioResult {
  const found = scenarios.find((scenario) => scenario.id === id);
  if (found === undefined) throw new Error(`no ${id}: ${JSON.stringify(scenarios)}`);
  return found;
}

/** By the metric, without the scenario's name: the figure that was judged and what came of it. */
export function gateIn(scenario: ScenarioResult, metric: string): ScenarioResult["gates"][number] {
  const found = scenario.gates.find((gate) => gate.metric === `${scenario.id}.${metric}`);
  if (found === undefined) throw new Error(`no gate ${metric}: ${JSON.stringify(scenario.gates)}`);
  return found;
}
