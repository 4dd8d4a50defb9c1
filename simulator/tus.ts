import { Readable } from "node:stream";
import { type FileReader, Upload } from "tus-js-client";
import type { CloudEvent } from "./event.ts";
import { IngestError } from "./ingest.ts";
import type { Profile } from "./profile.ts";
import type { Sink } from "./sink.ts";

export interface TusTarget {
  /** Where uploads are created: `http://127.0.0.1:1080/files/`. */
  readonly endpoint: string;
  /** What the user's requests carry as a bearer. */
  readonly tokenOf: (userId: string) => string;
  /** Called when a request is sent again. */
  readonly onRetry: (reason: string) => void;
}

const RETRY_DELAYS_MS = [100, 300, 1_000, 3_000];
const PIECE = Buffer.alloc(64 * 1_024);

/**
 * Real bytes of real uploads: what the events tell happens on a tus server, which tells a hub in its own way. Sizes are
 * known, and no more bytes come than were told: tus has no other uploads.
 */
export function tusSink(target: TusTarget): Sink {
  const jobs = new Map<string, number | undefined>();
  const photos = new Map<string, PhotoUpload>();
  const ends = new Set<Promise<void>>();
  let failure: unknown = null;

  /** null: it is no photo's, or that photo's upload has come to its end. */
  const uploadOf = ({ type, data }: CloudEvent): PhotoUpload | null => {
    const { jobId, photoId, userId, totalBytes = 0, fileName = "" } = data;
    if (photoId === undefined) return null;
    const key = `${jobId}/${photoId}`;
    const known = photos.get(key);
    if (known !== undefined) return known;
    if (type !== "photo.upload.started") return null;
    const photoCount = jobs.get(jobId);
    const metadata = {
      ...{ jobId, photoId, userId, filename: fileName },
      ...(photoCount !== undefined && { photoCount: String(photoCount) }),
    };
    const upload = new PhotoUpload(target, target.tokenOf(userId), metadata, totalBytes);
    photos.set(key, upload);
    const end: Promise<void> = upload.done
      .catch((error: unknown) => {
        failure ??= error;
      })
      .finally(() => {
        ends.delete(end);
        photos.delete(key);
      });
    ends.add(end);
    return upload;
  };

  return {
    name: `uploads to ${target.endpoint}`,
    async send(events) {
      for (const event of events) {
        const { type, data } = event;
        if (type === "uploadjob.created") jobs.set(data.jobId, data.photoCount);
        if (type === "uploadjob.completed" || type === "uploadjob.cancelled") jobs.delete(data.jobId);
        uploadOf(event)?.follow(event);
      }
      if (failure !== null) throw new IngestError("refused", String(failure));
      return { accepted: events.length, unchanged: 0, rejected: [] };
    },
    /** What nobody goes on with is left as it is. */
    async settled(signal) {
      const stop = (): void => {
        for (const upload of photos.values()) upload.leave();
      };
      signal.addEventListener("abort", stop, { once: true });
      if (signal.aborted) stop();
      for (const upload of photos.values()) upload.leaveIfOpen();
      await Promise.all(ends);
      signal.removeEventListener("abort", stop);
      if (failure !== null) throw new IngestError("refused", String(failure));
    },
  };
}

/** Of what tus knows: sizes are told, no more bytes come, and each comes once, in its order. */
export function asTus(profile: Profile): Profile {
  const { photos, trouble } = profile;
  return {
    ...profile,
    photos: { ...photos, sizeUnknown: 0 },
    trouble: { ...trouble, overruns: 0 },
    delivery: { duplicates: 0, late: [], publishers: 1 },
  };
}

/** One photo on its way to the server, as far as its events say. */
class PhotoUpload {
  /** It has come to an end, of any kind. */
  readonly done: Promise<void>;
  readonly #upload: Upload;
  readonly #bytes: number;
  #allowedBytes = 0;
  /** Who reads, and who read for a request that was broken off. */
  readonly #waiting: (() => void)[] = [];
  #isWhole = false;
  #steps: Promise<void> = Promise.resolve();
  #isThere: () => void = () => undefined;
  #settle: { resolve: () => void; reject: (error: unknown) => void } = {
    resolve: () => undefined,
    reject: () => undefined,
  };

  constructor(target: TusTarget, token: string, metadata: Record<string, string>, bytes: number) {
    this.#bytes = bytes;
    this.done = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.#upload = new Upload(Readable.from([]), {
      endpoint: target.endpoint,
      metadata,
      retryDelays: RETRY_DELAYS_MS,
      uploadSize: bytes,
      fileReader: this.#reader(),
      headers: { Authorization: `Bearer ${token}` },
      onShouldRetry: (error) => {
        target.onRetry(error.message);
        return true;
      },
      onUploadUrlAvailable: () => this.#isThere(),
      onError: (error) => {
        this.#isThere();
        this.#settle.reject(error);
      },
      onSuccess: () => {
        this.#isThere();
        this.#settle.resolve();
      },
    });
  }

  follow({ type, data }: CloudEvent): void {
    switch (type) {
      case "photo.upload.started":
        this.#then(() => this.#start());
        break;
      case "photo.upload.progressed":
        // An upload is over with its last byte, which this one is told to send with its ending.
        this.#allow(Math.min(data.bytesTransferred ?? 0, this.#bytes - 1));
        break;
      case "photo.upload.completed":
        this.#isWhole = true;
        this.#allow(this.#bytes);
        break;
      case "photo.upload.failed":
        this.#then(() => this.#upload.abort());
        break;
      case "photo.upload.cancelled":
        this.#isWhole = true;
        this.#then(() => this.#upload.abort(true).then(this.#settle.resolve));
        break;
      default:
    }
  }

  /** Nobody tells of it any more, and it is not at its end. */
  leaveIfOpen(): void {
    if (!this.#isWhole) this.leave();
  }

  /** Whatever is on its way. */
  leave(): void {
    this.#then(() => this.#upload.abort().then(this.#settle.resolve));
  }

  /** One after the other: who breaks off while an upload is being created leaves one behind that nobody knows of. */
  #then(step: () => Promise<void>): void {
    this.#steps = this.#steps.then(step).catch((error: unknown) => this.#settle.reject(error));
  }

  /** Resolves when the server has it. */
  #start(): Promise<void> {
    return new Promise((resolve) => {
      this.#isThere = resolve;
      this.#upload.start();
    });
  }

  #allow(bytes: number): void {
    this.#allowedBytes = Math.max(this.#allowedBytes, Math.min(bytes, this.#bytes));
    for (const goOn of this.#waiting.splice(0)) goOn();
  }

  #reader(): FileReader {
    return {
      openFile: async () => ({
        size: this.#bytes,
        slice: async (start: number, end: number) => {
          const last = Math.min(end, this.#bytes);
          const value = Object.assign(Readable.from(this.#piecesFrom(start, last)), { size: last - start });
          return { value, done: last >= this.#bytes };
        },
        close: () => undefined,
      }),
    };
  }

  /** As far as it may go; waits there until it may go on. */
  async *#piecesFrom(start: number, end: number): AsyncGenerator<Buffer> {
    for (let at = start; at < end; ) {
      const next = Math.min(end, this.#allowedBytes, at + PIECE.length);
      if (next <= at) {
        await new Promise<void>((resolve) => {
          this.#waiting.push(resolve);
        });
        continue;
      }
      yield PIECE.subarray(0, next - at);
      at = next;
    }
  }
}
