import { type Simulated, simulatedEvents } from "../schedule/simulated.ts";

// What there is to be shown of one user's simulated job: computed from its schedule, as the emitter does.

interface AttemptTruth {
  /** By bytes: when the event that told them was due, in microseconds of the run. */
  readonly progress: ReadonlyMap<number, number>;
  /** When its ending was due. */
  readonly endUs: number;
  readonly bytesAtEnd: number;
}

export interface PhotoTruth {
  /** Attempt 1 first; all but the last fail. */
  readonly attempts: readonly AttemptTruth[];
  readonly isCompleted: boolean;
  /** Null: nobody said, since it failed before its end. */
  readonly bytes: number | null;
}

export interface JobTruth {
  readonly photos: ReadonlyMap<string, PhotoTruth>;
  /** Progress events of all photos. */
  readonly progressEvents: number;
}

interface Attempt {
  readonly progress: Map<number, number>;
  endUs: number;
  bytesAtEnd: number;
}
interface Photo {
  readonly attempts: Attempt[];
  isCompleted: boolean;
  bytes: number | null;
}

export function jobTruth(simulated: Simulated, user: number): JobTruth {
  const photos = new Map<string, Photo>();
  let progressEvents = 0;
  for (const { dueUs, event } of simulatedEvents(simulated, user)) {
    const { photoId, attempt, bytesTransferred, totalBytes } = event.data;
    if (typeof photoId !== "string" || typeof attempt !== "number") continue;
    const photo = photos.get(photoId) ?? { attempts: [], isCompleted: false, bytes: null };
    photos.set(photoId, photo);
    const current = photo.attempts[attempt - 1] ?? { progress: new Map(), endUs: 0, bytesAtEnd: 0 };
    photo.attempts[attempt - 1] = current;
    if (typeof totalBytes === "number") photo.bytes = totalBytes;
    if (event.type === "photo.upload.progressed" && typeof bytesTransferred === "number") {
      progressEvents += 1;
      // Bytes that are told again are no news: the first to tell them counts.
      if (!current.progress.has(bytesTransferred)) current.progress.set(bytesTransferred, dueUs);
      current.bytesAtEnd = bytesTransferred;
    } else if (event.type !== "photo.upload.started") {
      current.endUs = dueUs;
      photo.isCompleted = event.type === "photo.upload.completed";
    }
  }
  return { photos, progressEvents };
}
