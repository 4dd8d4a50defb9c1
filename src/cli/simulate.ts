import { randomBytes, randomInt } from "node:crypto";
import type { Command } from "commander";
import { Deliveries } from "../../simulator/delivery.ts";
import { httpSink, IngestError, postEvents } from "../../simulator/ingest.ts";
import { ndjsonSink } from "../../simulator/ndjson.ts";
import { AS_TAKEN, type Pace } from "../../simulator/pace.ts";
import { demoNames, type Naming } from "../../simulator/plan.ts";
import type { Profile } from "../../simulator/profile.ts";
import { newTotals, runEvents, type Totals } from "../../simulator/runner.ts";
import { Scene } from "../../simulator/scene.ts";
import type { Sink } from "../../simulator/sink.ts";
import { streamSink } from "../../simulator/stream.ts";
import { asTus, tusSink } from "../../simulator/tus.ts";
import { Workload } from "../../simulator/workload.ts";
import { redisUrlProblem } from "../redis/url.ts";
import { CommandFailed, type ExitCode, exitCode } from "./exit-codes.ts";
import type { Host, Output } from "./host.ts";
import type { End } from "./main.ts";
import { baseUrl, durationMs, refuseStray, takesAnything, wholeNumber } from "./options.ts";
import { requireReachable } from "./reach.ts";
import { readSecrets } from "./secrets.ts";
import { paceOf, paceText } from "./simulate/pace.ts";
import { jsonOf, type ProfileOptions, profileLines, profileOf } from "./simulate/profile.ts";
import { type RunEnd, showTotals } from "./simulate/totals.ts";
import { clientsOf, embeddedHub, refuseUnfit, tokensOf, type VerifyFlags, Watch } from "./simulate/verify.ts";

interface Options extends ProfileOptions, VerifyFlags {
  readonly rate?: string;
  readonly speed?: string;
  readonly seed?: string;
  readonly internal: string;
  readonly ingestToken?: string;
  readonly redis?: string;
  readonly redisStream?: string;
  readonly dryRun?: boolean;
  readonly tus?: string;
  readonly duration?: string;
  readonly printProfile?: string;
}

interface Plan {
  readonly profile: Profile;
  readonly pace: Pace;
  readonly seed: number;
  readonly durationMs?: number;
  /** Absent: as in the demo. */
  readonly names?: Naming;
}

const MAX_SEED = 2 ** 32 - 1;
const REAL_TIME: Pace = { kind: "speed", speed: 1 };

export function addSimulate(program: Command, host: Host, end: End): void {
  const command = takesAnything(program.command("simulate"))
    .description("synthetic uploads into a hub")
    .option("--profile <name|file>", "what users do: a name below, or a file such as ./mine.json", "demo")
    .option("--print-profile <name>", "print that profile, to copy and change it, and end")
    .option("--users <n>", "users (default: the profile's); the first is demo, then demo-2 and so on")
    .option("--jobs <n>", "jobs a user, one after the other (default: the profile's)")
    .option("--photos <n>", "photos a job (default: the profile's)")
    .option("--seed <n>", "the same seed gives the same events, to the byte (default: another each time)")
    .option("--duration <duration>", "simulated time within which jobs begin that are likely to end in it")
    .option(
      "--speed <x|max>",
      "so many times as fast as in real time; max: as fast as they are taken (default: 1)",
    )
    .option("--rate <n>", "so many events a second, whenever they happen")
    .option("--dry-run", "print the events, one JSON a line, and send nothing")
    .option("--internal <url>", "internal address of the hub", "http://127.0.0.1:8081")
    .option("--ingest-token <secret>", "secret for sending events (default: PROGRESS_HUB_INGEST_TOKEN)")
    .option("--redis <url>", "with --redis-stream: send through Redis instead")
    .option("--redis-stream <name>", "the Redis Stream that the hub reads")
    .option("--tus <url>", "upload real bytes to that tus server instead, with tokens of the users")
    .option(
      "--verify",
      "connect as the users do, and judge all that they are shown; exit code 1: something was found",
    )
    .option("--embedded", "with --verify: into a hub of its own, with two gateways")
    .option("--chaos", "with --verify: cut, delay, slice and slow the clients' connections meanwhile")
    .option("--devices <n>", "with --verify: clients a user, of every kind in turn", "3")
    .option("--url <url>", "with --verify: public address of the hub", "http://127.0.0.1:8080")
    .option(
      "--jwt-secret <secret>",
      "with --verify or --tus: to sign tokens with (default: PROGRESS_HUB_JWT_SECRET)",
    );
  command.addHelpText(
    "after",
    () => `
Profiles:
${profileLines()}

The same seed twice into the same hub changes nothing the second time: events are idempotent.

Examples:
  progress-hub simulate --ingest-token "$INGEST"
  progress-hub simulate --profile realistic --users 200 --speed 4 --seed 7 --ingest-token "$INGEST"
  progress-hub simulate --profile hostile --duration 5m --internal http://10.0.0.5:8081 --ingest-token "$INGEST"
  progress-hub simulate --profile rate --redis redis://127.0.0.1 --redis-stream uploads
  progress-hub simulate --profile realistic --duration 10m --seed 7 --dry-run > events.ndjson
  progress-hub simulate --profile hostile --users 200 --duration 60s --verify --embedded --chaos
  progress-hub simulate --profile realistic --tus http://127.0.0.1:1080/files/ --jwt-secret "$JWT_SECRET"
  progress-hub simulate --print-profile realistic > mine.json && progress-hub simulate --profile ./mine.json --dry-run`,
  );
  command.action(async () => {
    refuseStray(command, 0);
    refuseUnfit(command.opts<Options>(), (option) => command.getOptionValueSource(option) === "cli");
    end(await simulate(host, command.opts<Options>()));
  });
}

async function simulate(host: Host, options: Options): Promise<ExitCode> {
  if (options.printProfile !== undefined) {
    host.stdout.write(await jsonOf(host, options.printProfile));
    return exitCode.done;
  }
  const plan: Plan = {
    profile:
      options.tus === undefined ? await profileOf(host, options) : asTus(await profileOf(host, options)),
    pace: paceOf(options, options.dryRun === true ? AS_TAKEN : REAL_TIME),
    seed: options.seed === undefined ? randomInt(MAX_SEED) : wholeNumber("--seed", options.seed, 0, MAX_SEED),
    ...(options.duration !== undefined && { durationMs: durationMs("--duration", options.duration) }),
  };
  const stop = new AbortController();
  const releases = (["SIGINT", "SIGTERM"] as const).map((signal) =>
    // Once: no more is sent, and what was is judged. Twice: at once.
    host.onSignal(signal, () => (stop.signal.aborted ? host.exit(exitCode.failed) : stop.abort())),
  );
  try {
    return await (options.verify === true ? verified : run)(host, options, plan, stop.signal);
  } catch (error) {
    throw error instanceof IngestError ? failureOf(error) : error;
  } finally {
    stop.abort();
    for (const release of releases) release();
  }
}

async function run(host: Host, options: Options, plan: Plan, signal: AbortSignal): Promise<ExitCode> {
  const totals = newTotals();
  const sink = await sinkOf(host, options, totals, signal);
  // Whoever reads the events reads nothing else.
  const out = options.dryRun === true ? host.stderr : host.stdout;
  await send(host, out, plan, sink, totals, signal);
  return exitCode.done;
}

/** With clients that look at the hub meanwhile, and a verdict at the end. */
async function verified(host: Host, options: Options, plan: Plan, signal: AbortSignal): Promise<ExitCode> {
  const flag = options.dryRun === true ? "--dry-run" : options.tus !== undefined ? "--tus" : null;
  if (flag !== null) {
    throw new CommandFailed(
      exitCode.usage,
      `--verify judges events that a hub acknowledges; leave ${flag} out`,
    );
  }
  const totals = newTotals();
  const hub = options.embedded === true ? await embeddedHub() : null;
  try {
    const sink =
      hub === null
        ? await sinkOf(host, options, totals, signal)
        : httpSink({ ...hub, onRetry: () => retried(totals) });
    const clients = hub ?? (await clientsOf(host, options));
    const { profile, seed } = plan;
    // A hub that runs may know the users of another simulation already, and their jobs.
    const names = hub === null ? namesOfRun(randomBytes(3).toString("hex")) : demoNames;
    const userIds = Array.from({ length: profile.users }, (_, user) => names(seed, user + 1, 1).userId);
    const watch = await Watch.open(options, clients, userIds, seed);
    try {
      const recorded = watch.verification.recorded(sink);
      await send(host, host.stdout, { ...plan, names }, recorded, totals, signal);
      return watch.tell(host, await watch.judge(host, new AbortController().signal));
    } finally {
      await watch.close();
    }
  } finally {
    await hub?.stop();
  }
}

async function send(
  host: Host,
  out: Output,
  { profile, seed, pace, durationMs, names }: Plan,
  sink: Sink,
  totals: Totals,
  signal: AbortSignal,
): Promise<void> {
  const workload = new Workload({
    profile,
    seed,
    ...(durationMs !== undefined && { durationMs }),
    ...(names !== undefined && { names }),
  });
  const scene = new Scene(new Deliveries(workload, profile.delivery, seed));
  const title = `simulating ${counted(profile.users, "user")} into ${sink.name}, ${paceText(pace)}, seed ${seed}`;
  const show = showTotals(out, host.env, title, { totals, jobs: workload, scene });
  let end: RunEnd = "failed";
  try {
    await runEvents({ events: scene, sink, pace, signal, totals });
    await sink.settled?.(signal);
    end = signal.aborted ? "stopped" : "done";
  } finally {
    show.close(end);
  }
}

/** Where events go, which is there and lets this one in. */
async function sinkOf(host: Host, options: Options, totals: Totals, signal: AbortSignal): Promise<Sink> {
  const { dryRun = false, redis, redisStream: stream, tus } = options;
  const onRetry = (): void => retried(totals);
  if (dryRun) return ndjsonSink(host.stdout);
  if (tus !== undefined) {
    const endpoint = baseUrl("--tus", tus);
    await requireReachable(endpoint, "--tus");
    return tusSink({ endpoint, tokenOf: tokensOf(host, options), onRetry });
  }
  if (redis !== undefined || stream !== undefined) {
    if (redis === undefined || stream === undefined) {
      throw new CommandFailed(exitCode.usage, "--redis and --redis-stream go together; give both");
    }
    const problem = redisUrlProblem(redis);
    if (problem !== null) throw new CommandFailed(exitCode.usage, `--redis the URL of Redis ${problem}`);
    return streamSink({ redis, stream, onRetry }, signal);
  }
  const internalUrl = baseUrl("--internal", options.internal);
  await requireReachable(internalUrl, "--internal");
  const target = { internalUrl, ingestToken: ingestTokenOf(host, options), onRetry };
  // An empty batch changes nothing, and tells whether the token is right before anything begins.
  await postEvents(target, [], signal);
  return httpSink(target);
}

/** Users and jobs that no other run has. */
function namesOfRun(run: string): Naming {
  return (seed, user, job) => ({
    userId: `sim-${run}-${user}`,
    jobId: `sim-${seed}-${run}-${user}-${job}`,
  });
}

function retried(totals: Totals): void {
  totals.retries += 1;
}

function ingestTokenOf(host: Host, options: Options): string {
  const [token] = readSecrets(host, options, ["ingestToken"]).ingestToken;
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

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
