import type { AttemptPlan, JobPlan, PhotoPlan } from "./plan.ts";

/** A CloudEvent 1.0 in structured form, of one of the contract's types. */
export interface CloudEvent {
  readonly specversion: "1.0";
  readonly id: string;
  readonly source: string;
  readonly type: string;
  /** RFC 3339, of the simulated clock. */
  readonly time: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface SimulatedEvent {
  /** Since the start of the simulated clock. */
  readonly atMs: number;
  readonly event: CloudEvent;
}

/** What a photo does next, after `waitMs`. */
interface Step {
  readonly waitMs: number;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

interface Upload {
  readonly steps: Iterator<Step, void>;
  next: Step;
  dueMs: number;
}

const CLOCK_START_MS = Date.UTC(2026, 0, 1);
const PROCESSING_MS = 150;
const RETRY_WAIT_MS = 800;

/** The events of one job in the order of the simulated clock, `parallelUploads` photos at a time. */
export function* jobEvents(
  plan: JobPlan,
  startMs: number,
  parallelUploads: number,
): Generator<SimulatedEvent, void> {
  let count = 0;
  const { jobId, userId, title, photos } = plan;
  const at = (atMs: number, type: string, data: Readonly<Record<string, unknown>>): SimulatedEvent => {
    count += 1;
    const time = new Date(CLOCK_START_MS + Math.round(atMs)).toISOString();
    return {
      atMs,
      event: { specversion: "1.0", id: `${jobId}/${count}`, source: "/simulator", type, time, data },
    };
  };

  const knownBytes = photos.every((photo) => photo.sizeKnown) ? { totalBytes: sumOf(photos) } : {};
  yield at(startMs, "uploadjob.created", { jobId, userId, photoCount: photos.length, title, ...knownBytes });

  let nowMs = startMs;
  const waiting = photos.values();
  const uploads: Upload[] = [];
  const begin = (): void => {
    for (const photo of waiting) {
      const upload = beginUpload(photoSteps(photo, plan), nowMs);
      if (upload !== null) uploads.push(upload);
      if (uploads.length >= parallelUploads) return;
    }
  };
  begin();
  for (let upload = earliest(uploads); upload !== null; upload = earliest(uploads)) {
    nowMs = upload.dueMs;
    yield at(nowMs, upload.next.type, upload.next.data);
    if (!advance(upload)) {
      uploads.splice(uploads.indexOf(upload), 1);
      begin();
    }
  }
  yield at(nowMs, "uploadjob.completed", { jobId, userId, photoCount: photos.length });
}

function* photoSteps(photo: PhotoPlan, { jobId, userId, bytesPerSecond }: JobPlan): Generator<Step, void> {
  const ids = { photoId: photo.photoId, jobId, userId };
  const size = photo.sizeKnown ? { totalBytes: photo.bytes } : {};
  for (const [index, plan] of photo.attempts.entries()) {
    const attempt = index + 1;
    const waitMs = index === 0 ? 0 : RETRY_WAIT_MS;
    yield {
      waitMs,
      type: "photo.upload.started",
      data: { ...ids, ...size, fileName: photo.fileName, attempt },
    };
    yield* progressSteps(plan, { ...ids, ...size, attempt }, bytesPerSecond);
    const error = { code: "connection_lost", message: "the connection was reset" };
    yield plan.fails
      ? { waitMs: PROCESSING_MS, type: "photo.upload.failed", data: { ...ids, error, attempt } }
      : {
          waitMs: PROCESSING_MS,
          type: "photo.upload.completed",
          data: { ...ids, totalBytes: photo.bytes, attempt },
        };
  }
}

function* progressSteps(
  { steps, bytesAtEnd }: AttemptPlan,
  fields: Readonly<Record<string, unknown>>,
  bytesPerSecond: number,
): Generator<Step, void> {
  const waitMs = ((bytesAtEnd / Math.max(1, steps)) * 1_000) / bytesPerSecond;
  for (let step = 1; step <= steps; step += 1) {
    const bytesTransferred = Math.round((bytesAtEnd * step) / steps);
    yield { waitMs, type: "photo.upload.progressed", data: { ...fields, bytesTransferred } };
  }
}

function beginUpload(steps: Iterator<Step, void>, nowMs: number): Upload | null {
  const first = steps.next();
  return first.done === true ? null : { steps, next: first.value, dueMs: nowMs + first.value.waitMs };
}

function advance(upload: Upload): boolean {
  const following = upload.steps.next();
  if (following.done === true) return false;
  upload.next = following.value;
  upload.dueMs += following.value.waitMs;
  return true;
}

function earliest(uploads: readonly Upload[]): Upload | null {
  let first: Upload | null = null;
  for (const upload of uploads) if (first === null || upload.dueMs < first.dueMs) first = upload;
  return first;
}

function sumOf(photos: readonly PhotoPlan[]): number {
  return photos.reduce((sum, photo) => sum + photo.bytes, 0);
}
