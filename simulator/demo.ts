import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { follow } from "../src/cli/watch/follow.ts";
import { createScreen } from "../src/cli/watch/screen.ts";
import { ProgressStore } from "../src/client/index.ts";
import { parseDuration } from "../src/config/units.ts";
import { messageOf } from "../src/message-of.ts";
import { Deliveries } from "./delivery.ts";
import { httpSink } from "./ingest.ts";
import { builtInProfile } from "./profiles.ts";
import { newTotals, runEvents } from "./runner.ts";
import { type DevHub, startDevHub } from "./serve-process.ts";
import { Workload } from "./workload.ts";

/** `npm run demo`: a hub, synthetic uploads of its user demo, and their bars in this terminal. */
const HELP = `Usage: npm run demo -- [--duration 20s]

Without a duration it runs until Ctrl-C; with one it ends by itself, when all that was begun is done.
`;
/** What starting, the last messages and the drain take of the duration. */
const MARGIN_MS = 2_000;
/** The time the last job has to reach its end on the screen, when all its events are sent. */
const SETTLE_MS = 8_000;

const startMs = performance.now();
process.exitCode = await main();

async function main(): Promise<number> {
  const lastsMs = durationOf(process.argv.slice(2));
  if (lastsMs === null) return 2;
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop.abort());
  const hub = await startDevHub();
  try {
    return await play(hub, lastsMs, stop);
  } catch (error) {
    process.stderr.write(`demo: ${messageOf(error)}\n`);
    return 1;
  } finally {
    await hub.stop();
  }
}

async function play(hub: DevHub, lastsMs: number, stop: AbortController): Promise<number> {
  process.stdout.write(
    `progress-hub demo: ${hub.publicUrl}\ntoken ${hub.token}\n${hub.commands.join("\n")}\n`,
  );
  const ends =
    lastsMs === Number.POSITIVE_INFINITY ? "Ctrl-C ends" : `ends by itself after ${lastsMs / 1_000} s`;
  const store = new ProgressStore();
  const screen = createScreen(process.stdout, process.env, `${hub.publicUrl} · ${ends}`, store);
  const settled = new AbortController();
  const anyEnd = AbortSignal.any([stop.signal, settled.signal]);
  let sentAll = false;
  // Jobs that somebody makes by pasting the commands need not end.
  const own = (jobId: string): boolean => jobId.startsWith("sim-");
  const allEnded = (): boolean =>
    sentAll && store.jobIds().every((jobId) => store.job(jobId)?.hasEnded === true || !own(jobId));
  store.events.on("ended", () => {
    if (allEnded()) settled.abort();
  });
  const watching = follow(
    { url: hub.publicUrl, token: hub.token, jobId: null, store, onStatus: screen.status },
    anyEnd,
  );
  try {
    await Promise.race([
      upload(hub, lastsMs, stop.signal),
      hub.ended.then((reason) => Promise.reject(new Error(reason))),
    ]);
    sentAll = true;
    const timer = setTimeout(() => settled.abort(), SETTLE_MS);
    if (allEnded() || stop.signal.aborted) settled.abort();
    await watching;
    clearTimeout(timer);
  } finally {
    settled.abort();
    screen.close();
  }
  if (stop.signal.aborted || allEnded()) return 0;
  process.stderr.write("demo: not every job came to its end\n");
  return 1;
}

async function upload(hub: DevHub, lastsMs: number, signal: AbortSignal): Promise<void> {
  const { jobs, photos, ...profile } = builtInProfile("demo");
  const durationMs = startMs + lastsMs - MARGIN_MS - performance.now();
  const seed = randomInt(2 ** 31);
  const workload = new Workload({
    profile: {
      ...{ ...profile, users: 1, arriveWithin: 0 },
      jobs: { ...jobs, perUser: null, atOnce: 2 },
      photos: { ...photos, count: { ...photos.count, spread: 0 } },
    },
    ...{ seed, durationMs },
  });
  await runEvents({
    events: new Deliveries(workload, profile.delivery, seed),
    sink: httpSink({ internalUrl: hub.internalUrl, ingestToken: hub.ingestToken }),
    pace: { kind: "speed", speed: 1 },
    ...{ signal, totals: newTotals() },
  });
}

/** Milliseconds, Infinity without a duration; null: wrong usage or help, which has been told. */
function durationOf(argv: readonly string[]): number | null {
  try {
    const options = { duration: { type: "string" }, help: { type: "boolean" } } as const;
    const { values } = parseArgs({ args: [...argv], options });
    if (values.help !== true && values.duration === undefined) return Number.POSITIVE_INFINITY;
    const lastsMs = parseDuration(values.duration ?? "");
    if (lastsMs !== null && lastsMs > 0) return lastsMs;
    process.stderr.write(values.help === true ? HELP : `demo: --duration must be such as 20s\n${HELP}`);
  } catch (error) {
    process.stderr.write(`demo: ${messageOf(error)}\n${HELP}`);
  }
  return null;
}
