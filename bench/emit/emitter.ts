import { Agent, request } from "node:http";
import { Agent as TlsAgent, request as tlsRequest } from "node:https";
import { setTimeout as wait } from "node:timers/promises";
import { encodeIntoCompressedBase64, type Histogram } from "hdr-histogram-js";
import { type Backoff, fullJitterMs } from "../../src/backoff.ts";
import { monotonicUs } from "../clock.ts";
import { newHistogram } from "../metric.ts";
import { countOf, type Schedule } from "../schedule/schedule.ts";
import { type Feed, feedOf } from "./feed.ts";

export interface EmitterOptions {
  readonly schedule: Schedule;
  readonly internalUrl: string;
  readonly ingestToken: string;
  readonly epochUs: number;
  /** What is due in such a time leaves together, as from any publisher that collects. */
  readonly tickMs: number;
  /** What is sent from here, in microseconds of the run, to before `toUs` is counted apart. */
  readonly fromUs: number;
  readonly toUs: number;
}

export interface EmitterCounts {
  readonly sent: number;
  /** Between `fromUs` and `toUs`. */
  readonly sentInWindow: number;
  /** Of those sent so far, that were due in it. */
  readonly dueInWindow: number;
  readonly acknowledged: number;
  /** Events that were rejected, or of requests that were refused for good. */
  readonly refused: number;
  /** Requests that were sent again, since nobody answered or the hub was not ready. */
  readonly retries: number;
  readonly isDone: boolean;
  /** How late after their tick events left, in microseconds, encoded; only when done. */
  readonly lag: string | null;
  readonly firstRefusal: string | null;
}

const BATCH_TYPE = "application/cloudevents-batch+json";
/** As a backend does, and not all at once: a hub that comes back must not meet everything that waited. */
const BACKOFF: Backoff = { minMs: 50, maxMs: 1_000 };
const RETRIES_FOR_MS = 20_000;

/** Open loop: what is due is sent, however long the answers take. */
export class Emitter {
  readonly #options: EmitterOptions;
  readonly #agent: Agent | TlsAgent;
  readonly #feed: Feed;
  readonly #total: number;
  readonly #lag: Histogram = newHistogram();
  readonly #timer: NodeJS.Timeout;
  #sent = 0;
  #sentInWindow = 0;
  #dueInWindow = 0;
  #acknowledged = 0;
  #refused = 0;
  #retries = 0;
  #inFlight = 0;
  #firstRefusal: string | null = null;

  constructor(options: EmitterOptions) {
    this.#options = options;
    this.#feed = feedOf(options.schedule);
    this.#total = countOf(options.schedule);
    const keep = { keepAlive: true, maxFreeSockets: 1_024 };
    this.#agent = options.internalUrl.startsWith("https:") ? new TlsAgent(keep) : new Agent(keep);
    this.#timer = setInterval(() => this.#tick(), options.tickMs);
  }

  counts(): EmitterCounts {
    const isDone = this.#sent === this.#total && this.#inFlight === 0;
    return {
      sent: this.#sent,
      sentInWindow: this.#sentInWindow,
      dueInWindow: this.#dueInWindow,
      acknowledged: this.#acknowledged,
      refused: this.#refused,
      retries: this.#retries,
      isDone,
      lag: isDone ? encodeIntoCompressedBase64(this.#lag) : null,
      firstRefusal: this.#firstRefusal,
    };
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#agent.destroy();
  }

  #tick(): void {
    const { epochUs, tickMs, fromUs, toUs } = this.#options;
    const nowUs = monotonicUs() - epochUs;
    const events: string[] = [];
    const tickUs = tickMs * 1_000;
    for (let dueUs = this.#feed.dueUs; dueUs !== null && dueUs <= nowUs; dueUs = this.#feed.dueUs) {
      events.push(this.#feed.take());
      if (dueUs >= fromUs && dueUs < toUs) this.#dueInWindow += 1;
      // What is due just after a tick leaves with the next one: the tick is no lag, being late for it is.
      this.#lag.recordValue(Math.max(1, Math.round(nowUs - dueUs - tickUs)));
    }
    this.#sent += events.length;
    if (nowUs >= fromUs && nowUs < toUs) this.#sentInWindow += events.length;
    if (this.#feed.dueUs === null) clearInterval(this.#timer);
    if (events.length > 0) void this.#send(`[${events.join(",")}]`, events.length);
  }

  /** Until it is taken: events are idempotent, and a backend would not give up either. */
  async #send(body: string, count: number): Promise<void> {
    this.#inFlight += 1;
    const giveUpMs = performance.now() + RETRIES_FOR_MS;
    for (let tries = 1; ; tries += 1) {
      const { status, text } = await this.#post(body);
      if (status === 200) {
        const { rejected } = answerOf(text);
        this.#acknowledged += count - rejected;
        this.#refuse(rejected, text);
        break;
      }
      const mayComeBack = status === 0 || status === 503 || status === 429;
      if (!mayComeBack || performance.now() > giveUpMs) {
        this.#refuse(count, `${status} ${text}`);
        break;
      }
      this.#retries += 1;
      await wait(fullJitterMs(tries, BACKOFF, Math.random()));
    }
    this.#inFlight -= 1;
  }

  #refuse(count: number, why: string): void {
    if (count === 0) return;
    this.#refused += count;
    this.#firstRefusal ??= why.slice(0, 300);
  }

  /** Status 0: nobody answered, and why. */
  #post(body: string): Promise<{ readonly status: number; readonly text: string }> {
    const { internalUrl, ingestToken } = this.#options;
    const send = internalUrl.startsWith("https:") ? tlsRequest : request;
    return new Promise((resolve) => {
      const failed = (error: Error) => resolve({ status: 0, text: error.message });
      const outgoing = send(
        `${internalUrl}/api/v1/events`,
        {
          method: "POST",
          agent: this.#agent,
          headers: {
            authorization: `Bearer ${ingestToken}`,
            "content-type": BATCH_TYPE,
            "content-length": Buffer.byteLength(body),
          },
        },
        (response) => {
          let text = "";
          response.setEncoding("utf8").on("data", (chunk: string) => {
            text += chunk;
          });
          response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
          response.on("error", failed);
        },
      );
      outgoing.on("error", failed);
      outgoing.end(body);
    });
  }
}

function answerOf(text: string): { readonly rejected: number } {
  const answer: unknown = JSON.parse(text);
  const isAnswer = typeof answer === "object" && answer !== null && "rejected" in answer;
  return { rejected: isAnswer && Array.isArray(answer.rejected) ? answer.rejected.length : 0 };
}
