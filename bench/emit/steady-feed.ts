import {
  dueUs,
  eventAt,
  eventCount,
  jobIdOf,
  type PlannedEvent,
  photoIdOf,
  type Steady,
  TOTAL_BYTES,
  userIdOf,
} from "../schedule/steady.ts";
import type { Feed } from "./feed.ts";

export class SteadyFeed implements Feed {
  readonly #steady: Steady;
  readonly #total: number;
  #next = 0;

  constructor(steady: Steady) {
    this.#steady = steady;
    this.#total = eventCount(steady);
  }

  get dueUs(): number | null {
    return this.#next < this.#total ? dueUs(this.#steady, this.#next) : null;
  }

  take(): string {
    const json = eventJson(this.#steady, this.#next, dueUs(this.#steady, this.#next));
    this.#next += 1;
    return json;
  }
}

/** Written by hand: the emitter must not be what is measured. No id needs escaping. */
function eventJson(steady: Steady, index: number, dueAtUs: number): string {
  const event = eventAt(steady, index);
  const { run, name } = steady;
  const userId = userIdOf(run, event.user);
  const head = `{"specversion":"1.0","id":"${run}-${name}-${index}","source":"/bench","type":"${typeOf(event)}"`;
  const ids = `"jobId":"${jobIdOf(run, event.user, name)}","userId":"${userId}"`;
  return `${head},"data":{${ids}${detail(event, steady, dueAtUs)}}}`;
}

const TYPES = {
  created: "uploadjob.created",
  progressed: "photo.upload.progressed",
  completed: "photo.upload.completed",
  closed: "uploadjob.completed",
} as const;

function typeOf({ kind }: PlannedEvent): string {
  return TYPES[kind];
}

function detail(event: PlannedEvent, { photosPerUser }: Steady, dueAtUs: number): string {
  switch (event.kind) {
    case "created":
      return `,"photoCount":${photosPerUser}`;
    case "progressed":
      return `,"photoId":"${photoIdOf(event.photo)}","bytesTransferred":${dueAtUs},"totalBytes":${TOTAL_BYTES}`;
    case "completed":
      return `,"photoId":"${photoIdOf(event.photo)}","totalBytes":${TOTAL_BYTES}`;
    case "closed":
      return "";
  }
}
