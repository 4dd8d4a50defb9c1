import { type CannonOptions, type CannonResult, fire } from "./cannon.ts";
import { IngestLane } from "./lane.ts";
import { PollingLane } from "./polling-lane.ts";

const EVENTS_PER_BATCH = 100;
const PHOTOS = 100;

type Run = Pick<CannonOptions, "durationMs" | "signal" | "onProgress">;

export interface IngestOptions extends Run {
  readonly internalUrl: string;
  readonly ingestToken: string;
  readonly form: "batch" | "single";
  /** Each has a user, a job and photos of its own. */
  readonly connections: number;
  /** Begins the name of all users and jobs. Another one each run: events that a hub has heard are no work. */
  readonly prefix: string;
  /** Default 100. */
  readonly eventsPerBatch?: number;
  /** Of each job. Default 100. */
  readonly photos?: number;
}

export interface IngestResult extends CannonResult {
  /** Events in requests that went out. */
  readonly sent: number;
  /** Sums of what the hub answered. */
  readonly accepted: number;
  readonly unchanged: number;
  readonly rejected: number;
  /** Requests whose events the hub did not account for; 0 unless there were errors or other answers than 200 and 422. */
  readonly unclear: number;
  /** What the hub must show now: for `checkApplied`. */
  readonly jobs: readonly IngestLane[];
}

/**
 * Posts events for so long, as fast as the hub takes them. Each event of each request moves a photo on, so a hub that
 * works accepts all of them: `accepted` = `sent`, nothing unchanged or rejected.
 */
export async function runIngest(options: IngestOptions): Promise<IngestResult> {
  const { prefix, ingestToken, form } = options;
  const lanes = Array.from(
    { length: options.connections },
    (_, index) =>
      new IngestLane({
        name: `${prefix}-${index}`,
        ingestToken,
        form,
        eventsPerBatch: options.eventsPerBatch ?? EVENTS_PER_BATCH,
        photos: options.photos ?? PHOTOS,
      }),
  );
  const result = await fire({ ...options, url: options.internalUrl, lanes });
  const sum = (field: "sent" | "accepted" | "unchanged" | "rejected" | "unclear") =>
    lanes.reduce((total, lane) => total + lane[field], 0);
  return {
    ...result,
    sent: sum("sent"),
    accepted: sum("accepted"),
    unchanged: sum("unchanged"),
    rejected: sum("rejected"),
    unclear: sum("unclear"),
    jobs: lanes,
  };
}

export interface PollingOptions extends Run {
  readonly publicUrl: string;
  /** JWTs; connection k has the one at k modulo their number. */
  readonly tokens: readonly string[];
  readonly connections: number;
}

export interface PollingResult extends CannonResult {
  /** Photo and job messages in all answers. */
  readonly messages: number;
  /** Answers of 200 that are none of a poll. */
  readonly malformed: number;
}

/** Polls for so long, as fast as the hub answers: a snapshot, then what is newer than the head of the answer before. */
export async function runPolling(options: PollingOptions): Promise<PollingResult> {
  const { tokens, connections } = options;
  const lanes = Array.from(
    { length: connections },
    (_, index) => new PollingLane(tokens[index % tokens.length] ?? ""),
  );
  const result = await fire({ ...options, url: options.publicUrl, lanes });
  return {
    ...result,
    messages: lanes.reduce((total, lane) => total + lane.messages, 0),
    malformed: lanes.reduce((total, lane) => total + lane.malformed, 0),
  };
}
