import { encodeIntoCompressedBase64 } from "hdr-histogram-js";
import { tokenFor } from "../token.ts";
import { checkApplied } from "./applied.ts";
import { type IngestResult, runIngest, runPolling } from "./autocannon.ts";
import type { CannonOptions, CannonResult } from "./cannon.ts";
import type { AppliedFigures, IngestFigures, IngestOrder } from "./messages.ts";

const MAX_FINDINGS = 5;

type Run = Pick<CannonOptions, "signal" | "onProgress">;

/** Puts one load after the other on a hub, and remembers what it must show of them. */
export class IngestWorker {
  readonly #run: Run;
  readonly #jobs: IngestResult["jobs"][number][] = [];

  constructor(run: Run) {
    this.#run = run;
  }

  async load(order: IngestOrder): Promise<IngestFigures> {
    if (order.type === "poll") return this.#poll(order);
    const result = await runIngest({ ...order, ...this.#run });
    this.#jobs.push(...result.jobs);
    const { sent, accepted } = result;
    return {
      ...common(result),
      items: sent,
      unaccepted: sent - accepted,
      findings: answersOf(result),
    };
  }

  /** Waits for what is not shown yet. */
  async check(publicUrl: string, jwtSecret: string): Promise<AppliedFigures> {
    const tokenOf = (userId: string) => tokenFor(userId, jwtSecret);
    const { signal } = this.#run;
    const { photos, wrong } = await checkApplied({ publicUrl, tokenOf, jobs: this.#jobs, signal });
    const findings = wrong.slice(0, MAX_FINDINGS).map(({ jobId, photoId, expected, shown }) => {
      return `${photoId} of ${jobId} shows ${shown ?? "nothing"}, not ${expected.least} to ${expected.most}.`;
    });
    return { photos, wrong: wrong.length, findings };
  }

  async #poll(order: Extract<IngestOrder, { type: "poll" }>): Promise<IngestFigures> {
    const { publicUrl, prefix, connections, durationMs, jwtSecret } = order;
    const users = Array.from({ length: connections }, (_, index) => `${prefix}-${index}`);
    const tokens = users.map((userId) => tokenFor(userId, jwtSecret));
    const load = { publicUrl, tokens, connections, durationMs };
    const { malformed, messages, ...result } = await runPolling({ ...load, ...this.#run });
    const figures = common(result);
    return {
      ...figures,
      errors: figures.errors + malformed,
      items: messages,
      unaccepted: 0,
      findings: malformed === 0 ? [] : [`${malformed} answers of 200 are none of a poll.`],
    };
  }
}

function common({ durationMs, requests, non2xx, errors, latency }: CannonResult) {
  return { durationMs, requests, non2xx, errors, latency: encodeIntoCompressedBase64(latency) };
}

/** What the hub said of events that it did not accept. */
function answersOf({ sent, accepted, unchanged, rejected, unclear }: IngestResult): string[] {
  if (sent === accepted) return [];
  const words = `${unchanged} unchanged, ${rejected} rejected, ${unclear} requests not accounted for`;
  return [`Of ${sent} events ${accepted} were accepted: ${words}.`];
}
