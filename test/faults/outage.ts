import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { until } from "../../simulator/oracle/until.ts";
import { type Cluster, INGEST_TOKEN } from "./cluster.ts";

// What a producer and a balancer see of a hub while its store is away.

interface Answer {
  readonly atMs: number;
  readonly tookMs: number;
  /** 0: none. */
  readonly status: number;
  readonly retryAfter: string | null;
  readonly code: string | null;
}

export interface Outage {
  readonly answers: readonly Answer[];
  /** Resolves once `/readyz` says so, on both listeners. */
  untilReady(isReady: boolean, deadlineMs: number): Promise<void>;
  /** An event is refused. */
  untilRefused(deadlineMs: number): Promise<void>;
  /** How often the internal `/readyz`, asked every 100 ms, has said yes so far. */
  readonly yeses: number;
  /** Sends no more events. */
  stop(): OutageReport;
}

interface OutageReport {
  readonly refused: number;
  /** Of those refused: any code but `store_unavailable`, any Retry-After but 1. */
  readonly others: readonly string[];
  /** Milliseconds until the first refusal, and the slowest after it. */
  readonly firstMs: number;
  readonly thenMs: number;
  /** The median of those after the first: the machine is busy with the clients as well. */
  readonly thenP50Ms: number;
  /** What the processes of the hub grew by, in MB. */
  readonly grownMb: number;
}

const EVERY_MS = 25;

/** Sends an event every 25 ms to the hub, whatever becomes of the ones before. */
export function watchOutage(hub: Cluster): Outage {
  const answers: Answer[] = [];
  const before = residentMb(hub);
  let count = 0;
  let peak = before;
  let yeses = 0;
  const timer = setInterval(() => {
    count += 1;
    if (count % 4 === 0) void readyz(hub.internalUrl).then((status) => (yeses += status === 200 ? 1 : 0));
    if (count % 20 === 0) peak = Math.max(peak, residentMb(hub));
    void send(hub, count).then((answer) => answers.push(answer));
  }, EVERY_MS);
  const refusedOf = () => answers.filter(({ status }) => status === 503);
  return {
    answers,
    get yeses() {
      return yeses;
    },
    async untilReady(isReady, deadlineMs) {
      for (const url of [hub.internalUrl, hub.publicUrl]) {
        const told = async () => (await readyz(url)) === (isReady ? 200 : 503);
        await until(told, `${url}/readyz says ${isReady ? "yes" : "no"}`, deadlineMs, () => hub.stderr);
      }
    },
    async untilRefused(deadlineMs) {
      await until(() => refusedOf().length > 0, "an event is refused", deadlineMs);
    },
    stop() {
      clearInterval(timer);
      const refused = refusedOf();
      const first = refused.reduce(
        (early, one) => (one.atMs < early ? one.atMs : early),
        Number.POSITIVE_INFINITY,
      );
      const firstMs = refused.reduce((most, one) => Math.max(most, one.tookMs), 0);
      // Whoever was sent after the first was refused has nothing to wait for.
      const later = refused.filter(({ atMs, tookMs }) => atMs - tookMs > first).map(({ tookMs }) => tookMs);
      later.sort((left, right) => left - right);
      const others = answers
        .filter(({ status }) => status !== 200 && status !== 503)
        .concat(refused.filter(({ code, retryAfter }) => code !== "store_unavailable" || retryAfter !== "1"))
        .map((answer) => JSON.stringify(answer));
      return {
        refused: refused.length,
        others,
        firstMs: Math.round(firstMs),
        thenMs: Math.round(later.at(-1) ?? 0),
        thenP50Ms: Math.round(later[Math.floor(later.length * 0.5)] ?? 0),
        grownMb: Math.round(peak - before),
      };
    },
  };
}

export async function readyz(url: string): Promise<number> {
  const answer = await fetch(`${url}/readyz`, { headers: { connection: "close" } }).catch(() => null);
  await answer?.arrayBuffer();
  return answer?.status ?? 0;
}

async function send({ internalUrl }: Cluster, count: number): Promise<Answer> {
  const beganMs = performance.now();
  const data = { jobId: `outage-${count % 50}`, userId: "outage", photoId: "p", bytesTransferred: count };
  const event = {
    specversion: "1.0",
    id: String(count),
    source: "/outage",
    type: "photo.upload.progressed",
    data,
  };
  const told = (status: number, retryAfter: string | null, code: string | null): Answer => {
    const atMs = performance.now();
    return { atMs, tookMs: atMs - beganMs, status, retryAfter, code };
  };
  try {
    const answer = await fetch(`${internalUrl}/api/v1/events`, {
      method: "POST",
      headers: { authorization: `Bearer ${INGEST_TOKEN}`, "content-type": "application/cloudevents+json" },
      body: JSON.stringify(event),
    });
    const body: unknown = await answer.json();
    const code = typeof body === "object" && body !== null && "code" in body ? String(body.code) : null;
    return told(answer.status, answer.headers.get("retry-after"), code);
  } catch (error) {
    return told(0, null, String(error));
  }
}

/** Of all processes of the hub. */
function residentMb(hub: Cluster): number {
  let kb = 0;
  for (const { pid } of hub.processes()) {
    const [, rss = "0"] = /^VmRSS:\s+(\d+)/m.exec(statusOf(pid)) ?? [];
    kb += Number(rss);
  }
  return kb / 1_024;
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return "";
  }
}

/** Lets a fault last. */
export function last(ms: number): Promise<void> {
  return wait(ms);
}
