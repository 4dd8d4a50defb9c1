import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { Agent, get, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { build, type Histogram } from "hdr-histogram-js";
import jsonwebtoken from "jsonwebtoken";
import { WebSocket } from "ws";

// A first figure, until there is a real bench: 1,000 connections of three kinds, 1,000 events a second, the time from
// when an event was due (not: sent) to when its message arrived, on loopback, hub and load on one machine.

const CONNECTIONS = 1_000;
const EVENTS_PER_SECOND = 1_000;
const WARM_UP_MS = 3_000;
const MEASURE_MS = 15_000;
const EMIT_EVERY_MS = 5;
// Each photo moves every 5 s: often enough that none is shown as stalled.
const PHOTOS_PER_USER = 5;
const TOTAL_BYTES = 2 ** 40;

const SECRET = "first-figure-jwt-secret-for-loopback-only";
const INGEST_TOKEN = "first-figure-ingest-token-for-loopback";

type Kind = "Socket.IO" | "WebSocket" | "SSE";
type Connect = (publicUrl: string, token: string, onText: (text: string) => void) => Promise<() => void>;

const connectSocketIo: Connect = async (publicUrl, token, onText) => {
  const url = `${publicUrl.replace("http", "ws")}/ws/upload-progress/?EIO=4&transport=websocket`;
  const client = new WebSocket(url, { perMessageDeflate: false });
  client.on("message", (data) => {
    const text = String(data);
    if (text.startsWith("0")) client.send(`40${JSON.stringify({ token })}`);
    else if (text === "2") client.send("3");
    else onText(text);
  });
  await until(client, (text) => text.startsWith("40"));
  return () => client.terminate();
};

const connectWebSocket: Connect = async (publicUrl, token, onText) => {
  const url = `${publicUrl.replace("http", "ws")}/ws/upload-progress?access_token=${token}`;
  const client = new WebSocket(url, { perMessageDeflate: false });
  client.on("message", (data) => onText(String(data)));
  await once(client, "open");
  return () => client.terminate();
};

const streams = new Agent({ maxSockets: Number.POSITIVE_INFINITY });

const connectSse: Connect = async (publicUrl, token, onText) => {
  const headers = { authorization: `Bearer ${token}`, accept: "text/event-stream" };
  const request = get(`${publicUrl}/api/v1/upload-progress`, { agent: streams, headers });
  const [response]: [IncomingMessage] = await new Promise((resolve, reject) => {
    request.once("error", reject).once("response", (answer) => resolve([answer]));
  });
  if (response.statusCode !== 200) throw new Error(`SSE: ${response.statusCode}`);
  request.on("error", () => undefined);
  response.on("error", () => undefined).setEncoding("utf8");
  response.on("data", onText);
  return () => request.destroy();
};

const KINDS: readonly (readonly [Kind, Connect])[] = [
  ["Socket.IO", connectSocketIo],
  ["WebSocket", connectWebSocket],
  ["SSE", connectSse],
];

async function main(): Promise<void> {
  const hub = await startHub();
  const histograms = new Map<Kind, Histogram>(KINDS.map(([kind]) => [kind, build()]));
  const t0 = performance.now();
  const closes: (() => void)[] = [];
  let measuring = false;
  let delivered = 0;
  for (let index = 0; index < CONNECTIONS; index += 1) {
    const [kind, connect] = KINDS[index % KINDS.length] ?? KINDS[0] ?? ["SSE", connectSse];
    const histogram = histograms.get(kind);
    const token = jsonwebtoken.sign({}, SECRET, { subject: `user-${index}`, expiresIn: "1h" });
    const onText = (text: string) => {
      const nowUs = (performance.now() - t0) * 1_000;
      // The bytes of an upload_progress are the microsecond at which its event was due.
      for (const [, dueUs] of text.matchAll(/"type":"upload_progress"[^}]*?"bytesTransferred":(\d+)/g)) {
        if (!measuring) continue;
        delivered += 1;
        histogram?.recordValue(Math.max(1, Math.round(nowUs - Number(dueUs))));
      }
    };
    closes.push(await connect(hub.publicUrl, token, onText));
  }
  console.log(`${CONNECTIONS} connections in ${((performance.now() - t0) / 1_000).toFixed(1)} s`);

  const emitter = emit(hub.internalUrl, t0);
  await pause(WARM_UP_MS);
  measuring = true;
  const sentBefore = emitter.sent();
  const cpuBefore = await hub.cpuMs();
  await pause(MEASURE_MS);
  measuring = false;
  const sent = emitter.sent() - sentBefore;
  const cpuUs = ((await hub.cpuMs()) - cpuBefore) * 1_000;
  emitter.stop();
  for (const close of closes) close();
  await hub.stop();
  report(histograms, sent, delivered, cpuUs);
}

function report(histograms: Map<Kind, Histogram>, sent: number, delivered: number, cpuUs: number): void {
  const all = build();
  console.log(`${sent} events in ${MEASURE_MS / 1_000} s, ${delivered} photo messages received`);
  for (const [kind, histogram] of histograms) {
    console.log(line(kind, histogram));
    all.add(histogram);
  }
  console.log(line("all", all));
  console.log(`hub CPU ${(cpuUs / sent).toFixed(0)} µs an event (ingest, photo and job message included)`);
  const p99Ms = all.getValueAtPercentile(99) / 1_000;
  const lost = delivered < 0.99 * sent;
  if (p99Ms >= 100 || lost) {
    console.error(lost ? "messages are missing" : `p99 ${p99Ms} ms is not below 100 ms`);
    process.exitCode = 1;
  }
}

function line(name: string, histogram: Histogram): string {
  const ms = (percentile: number) =>
    (histogram.getValueAtPercentile(percentile) / 1_000).toFixed(1).padStart(6);
  return `${name.padEnd(10)} p50 ${ms(50)}  p99 ${ms(99)}  p99.9 ${ms(99.9)}  max ${ms(100)} ms  (${histogram.totalCount})`;
}

/** Open loop: what is due is sent, however long the answers take. */
function emit(internalUrl: string, t0: number): { sent(): number; stop(): void } {
  const beganMs = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - beganMs) / 1_000) * EVENTS_PER_SECOND);
    const batch = [];
    while (sent < due) {
      const dueMs = beganMs + (sent * 1_000) / EVENTS_PER_SECOND;
      batch.push(progressed(sent, Math.round((dueMs - t0) * 1_000)));
      sent += 1;
    }
    if (batch.length > 0) post(internalUrl, batch).catch((error: unknown) => console.error(String(error)));
  }, EMIT_EVERY_MS);
  return { sent: () => sent, stop: () => clearInterval(timer) };
}

function progressed(k: number, dueUs: number): object {
  const user = (k * 7919) % CONNECTIONS;
  const photo = Math.floor(k / CONNECTIONS) % PHOTOS_PER_USER;
  return {
    specversion: "1.0",
    id: String(k),
    source: "/first-figure",
    type: "photo.upload.progressed",
    data: {
      jobId: `job-${user}`,
      photoId: `photo-${photo}`,
      userId: `user-${user}`,
      bytesTransferred: dueUs,
      totalBytes: TOTAL_BYTES,
    },
  };
}

async function post(internalUrl: string, batch: readonly object[]): Promise<void> {
  const response = await fetch(`${internalUrl}/api/v1/events`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${INGEST_TOKEN}`,
      "content-type": "application/cloudevents-batch+json",
    },
    body: JSON.stringify(batch),
  });
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  await response.arrayBuffer();
}

interface HubProcess {
  readonly publicUrl: string;
  readonly internalUrl: string;
  cpuMs(): Promise<number>;
  stop(): Promise<void>;
}

async function startHub(): Promise<HubProcess> {
  const cli = fileURLToPath(new URL("../bin/progress-hub.js", import.meta.url));
  const flags = ["--workers", "0", "--host", "127.0.0.1", "--port", "0", "--internal-port", "0"];
  const folder = await mkdtemp(join(tmpdir(), "progress-hub-figure-"));
  const state = ["--data-dir", folder];
  const secrets = ["--jwt-secret", SECRET, "--ingest-token", INGEST_TOKEN, "--log-level", "warn"];
  const child = spawn(process.execPath, [cli, "serve", ...flags, ...state, ...secrets], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  process.once("exit", () => child.kill("SIGKILL"));
  const ready = await readyLine(child);
  return {
    publicUrl: /public=(\S+)/.exec(ready)?.[1] ?? "",
    internalUrl: /internal=(\S+)/.exec(ready)?.[1] ?? "",
    cpuMs: () => cpuMsOf(child.pid ?? 0),
    async stop() {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      await rm(folder, { recursive: true });
    },
  };
}

async function readyLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("the hub has no stdout");
  for await (const text of createInterface({ input: child.stdout })) {
    if (text.startsWith("progress-hub ready")) return text;
  }
  throw new Error(`the hub ended with ${child.exitCode} before it was ready`);
}

/** User and system time of a process, in milliseconds (proc_pid_stat(5), fields 14 and 15, in ticks of 10 ms). */
async function cpuMsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function until(client: WebSocket, isIt: (text: string) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    client.once("error", reject);
    client.on("message", function look(data) {
      if (!isIt(String(data))) return;
      client.off("message", look);
      resolve();
    });
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

await main();
