import { randomInt } from "node:crypto";
import type { Command } from "commander";
import { IngestError, type IngestTarget, postEvents } from "../../simulator/ingest.ts";
import { fitsUntil, newTotals, runWorkload } from "../../simulator/runner.ts";
import { Workload } from "../../simulator/workload.ts";
import { ConfigError } from "../config/errors.ts";
import { readSettings } from "../config/load.ts";
import { CommandFailed, exitCode } from "./exit-codes.ts";
import type { Host } from "./host.ts";
import type { End } from "./main.ts";
import { baseUrl, durationMs, refuseStray, takesAnything, wholeNumber } from "./options.ts";
import { requireReachable } from "./reach.ts";
import { showTotals } from "./totals.ts";

interface Options {
  readonly users: string;
  readonly jobs: string;
  readonly photos: string;
  readonly rate: string;
  readonly seed?: string;
  readonly internal: string;
  readonly ingestToken?: string;
  readonly duration?: string;
}

const MAX_SEED = 2 ** 32 - 1;

export function addSimulate(program: Command, host: Host, end: End): void {
  const command = takesAnything(program.command("simulate"))
    .description("synthetic uploads into a hub")
    .option("--users <n>", "users; the first is demo, then demo-2 and so on", "3")
    .option("--jobs <n>", "jobs a user, one after the other", "2")
    .option("--photos <n>", "photos a job", "20")
    .option("--rate <n>", "events a second, of all together", "200")
    .option("--seed <n>", "the same seed gives the same events (default: another each time)")
    .option("--duration <duration>", "begin only jobs that end within it")
    .option("--internal <url>", "internal address of the hub", "http://127.0.0.1:8081")
    .option("--ingest-token <secret>", "secret for sending events (default: PROGRESS_HUB_INGEST_TOKEN)");
  command.addHelpText(
    "after",
    `
The same seed twice into the same hub changes nothing the second time: events are idempotent.

Examples:
  progress-hub simulate --ingest-token "$INGEST"
  progress-hub simulate --users 50 --jobs 4 --photos 100 --rate 2000 --seed 7 --ingest-token "$INGEST"
  progress-hub simulate --jobs 1000 --duration 5m --internal http://10.0.0.5:8081 --ingest-token "$INGEST"`,
  );
  command.action(async () => {
    refuseStray(command, 0);
    end(await simulate(host, command.opts<Options>()));
  });
}

async function simulate(host: Host, options: Options): Promise<number> {
  const users = wholeNumber("--users", options.users, 1, 100_000);
  const jobsPerUser = wholeNumber("--jobs", options.jobs, 1, 1_000_000);
  const photosPerJob = wholeNumber("--photos", options.photos, 0, 10_000);
  const rate = wholeNumber("--rate", options.rate, 1, 1_000_000);
  const seed =
    options.seed === undefined ? randomInt(MAX_SEED) : wholeNumber("--seed", options.seed, 0, MAX_SEED);
  const lastsMs =
    options.duration === undefined ? Number.POSITIVE_INFINITY : durationMs("--duration", options.duration);
  const internalUrl = baseUrl("--internal", options.internal);
  await requireReachable(internalUrl, "--internal");
  const target: IngestTarget = { internalUrl, ingestToken: ingestTokenOf(host, options) };

  const stop = new AbortController();
  const releases = (["SIGINT", "SIGTERM"] as const).map((signal) =>
    host.onSignal(signal, () => stop.abort()),
  );
  const totals = newTotals();
  const admit = fitsUntil(performance.now() + lastsMs, rate, () => workload.pending);
  const workload: Workload = new Workload({
    seed,
    users,
    jobsPerUser,
    photosPerJob,
    parallelUploads: 3,
    parallelJobs: 1,
    admit,
  });
  try {
    // An empty batch changes nothing, and tells whether the token is right before anything begins.
    await postEvents(target, [], stop.signal);
    const show = showTotals(host, { users, rate, seed, internalUrl }, totals, workload);
    try {
      await runWorkload({ workload, target, rate, signal: stop.signal, totals });
    } finally {
      show.close(stop.signal.aborted);
    }
  } catch (error) {
    throw error instanceof IngestError ? failureOf(error) : error;
  } finally {
    for (const release of releases) release();
  }
  return exitCode.done;
}

function ingestTokenOf(host: Host, options: Options): string {
  const flags = { ingestToken: options.ingestToken };
  const { settings, given, valueProblems } = readSettings({ flags, env: host.env, cwd: host.cwd });
  const label = given.get("ingestToken")?.label;
  const problems = valueProblems.filter(({ origin }) => origin === label);
  if (problems.length > 0) throw new ConfigError(problems);
  const token = settings.ingestToken[0];
  if (token !== undefined) return token;
  const remedy = "take it from the hub's settings; `serve --dev` prints it as ingest-token";
  throw new CommandFailed(exitCode.usage, `--ingest-token is missing; ${remedy}`);
}

function failureOf(error: IngestError): CommandFailed {
  if (error.kind === "unreachable") return new CommandFailed(exitCode.unreachable, error.message);
  const remedy =
    error.kind === "unauthorized" ? "take --ingest-token from the hub's settings" : "check --internal";
  return new CommandFailed(exitCode.failed, `${error.message}; ${remedy}`);
}
