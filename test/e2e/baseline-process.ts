import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import jsonwebtoken from "jsonwebtoken";
import { expect } from "vitest";
import { until } from "../../simulator/oracle/until.ts";
import { type WatchedMessage, type Watcher, watchers } from "../clients.ts";
import { event } from "../events.ts";
import { INGEST_TOKEN, JWT_SECRET, toCloudEvent } from "../hub.ts";

type Events = Parameters<typeof toCloudEvent>[0][];

export type BaselineName = "bare-relay" | "plain-socketio";

export interface Running {
  readonly child: ChildProcess;
  readonly publicUrl: string;
  readonly internalUrl: string;
  readonly workers: number;
  /** In the environment of all its processes. */
  readonly mark: string;
  post(events: Events, token?: string): Promise<Response>;
  /** All that stdout has said. */
  readonly out: () => string;
}

const running: Running[] = [];
const watching: Watcher[] = [];

/** For `afterEach`: nothing a test has started outlives it. */
export function endBaselines(): void {
  for (const watcher of watching.splice(0)) watcher.close();
  for (const { child } of running.splice(0)) child.kill("SIGKILL");
}

/** The built program: `npm run build` comes first. */
export function scriptOf(name: BaselineName): string {
  return fileURLToPath(new URL(`../../dist/bench/baselines/${name}.js`, import.meta.url));
}

/** On free ports of 127.0.0.1. */
export async function startBaseline(name: BaselineName, ...flags: string[]): Promise<Running> {
  const mark = `BASELINE_${randomUUID()}`;
  const addresses = ["--host", "127.0.0.1", "--port", "0", "--internal-port", "0"];
  const secrets = ["--jwt-secret", JWT_SECRET, "--ingest-token", INGEST_TOKEN];
  const child = spawn(process.execPath, [scriptOf(name), ...addresses, ...secrets, ...flags], {
    env: { ...process.env, MARK: mark },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  const line = await until(() => lines[0] ?? child.exitCode !== null, `${name} is ready`, 15_000);
  const ready = /^progress-hub ready public=(\S+) internal=(\S+) pid=(\d+) workers=(\d+)$/.exec(String(line));
  expect(Number(ready?.[3])).toBe(child.pid);
  const [, publicUrl = "", internalUrl = "", , workers = ""] = ready ?? [];
  const baseline: Running = {
    ...{ child, publicUrl, internalUrl, mark, workers: Number(workers), out: () => lines.join("\n") },
    post: (events, token = INGEST_TOKEN) =>
      fetch(`${internalUrl}/api/v1/events`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${token}`,
          "content-type": "application/cloudevents-batch+json",
        },
        body: JSON.stringify(events.map(toCloudEvent)),
        // A connection that node's cluster has given to a worker that is just dying is never answered.
        signal: AbortSignal.timeout(2_000),
      }),
  };
  running.push(baseline);
  return baseline;
}

export const tokenFor = (userId: string, secret = JWT_SECRET) =>
  jsonwebtoken.sign({}, secret, { subject: userId, expiresIn: "1h" });

/** Resolves once it is synced. */
export async function watch(
  kind: keyof typeof watchers,
  { publicUrl }: Running,
  userId: string,
): Promise<Watcher> {
  const watcher = open(kind, publicUrl, tokenFor(userId));
  await watcher.until(({ syncs }) => syncs === 1, "synced");
  return watcher;
}

/** For a refusal. */
export function open(kind: keyof typeof watchers, publicUrl: string, token: string): Watcher {
  const watcher = watchers[kind]({ publicUrl, token, transports: ["websocket"] });
  watching.push(watcher);
  return watcher;
}

/** A job of the user, from its first event to its last. */
export const jobOf = (userId: string, jobId: string): Events => {
  const ids = { userId, jobId };
  return [
    event.created({ ...ids, photoCount: 2, title: "Holiday" }),
    event.started({ ...ids, photoId: "p1", fileName: "ä".repeat(40_000) }),
    event.progressed(455, { ...ids, photoId: "p1" }),
    event.progressed(500, { ...ids, photoId: "p2" }),
    event.completed({ ...ids, photoId: "p1" }),
    event.failed({ ...ids, photoId: "p2" }),
    event.jobCompleted(ids),
  ];
};

/** Jobs of anna and bob in turn: what the one must not see comes before what the one waits for. */
export const interleaved = (): Events => {
  const others = jobOf("bob", "job-bob");
  return jobOf("anna", "job-anna").flatMap((own, index) => [...others.slice(index, index + 1), own]);
};

export const untilEnded = (watcher: Watcher) =>
  watcher.until(({ messages }) => messages.some(({ type }) => type === "job_completed"), "the job's end");

export const storyOf = (watcher: Watcher) =>
  watcher.messages.map(({ type, jobId, photoId, progress, status }) => ({
    type,
    jobId,
    photoId,
    progress,
    status,
  }));

export const photoStory = (jobId: string) => [
  { type: "upload_started", jobId, photoId: "p1", progress: 0, status: "UPLOADING" },
  { type: "upload_progress", jobId, photoId: "p1", progress: 45.5, status: "UPLOADING" },
  { type: "upload_progress", jobId, photoId: "p2", progress: 50, status: "UPLOADING" },
  { type: "upload_completed", jobId, photoId: "p1", progress: 100, status: "COMPLETED" },
];

export function expectRisingIds(messages: readonly WatchedMessage[], prefix: string): void {
  const numbers = messages.map(({ id }) => Number(id.slice(prefix.length)));
  expect(messages.every(({ id }) => id.startsWith(prefix))).toBe(true);
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
}
