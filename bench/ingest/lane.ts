import { z } from "zod";
import type { CannonRequest, Lane } from "./cannon.ts";

const PATH = "/api/v1/events";
/** Never reached: photos do not end. */
const TOTAL_BYTES = 2 ** 40;
const STEP_BYTES = 65_536;
const OK = 200;

const answerSchema = z.object({
  accepted: z.number(),
  unchanged: z.number(),
  rejected: z.array(z.object({ code: z.string() })),
});

export interface IngestLaneOptions {
  /** Names the lane's user and job; nobody else's events may be of them. */
  readonly name: string;
  readonly ingestToken: string;
  /** `single`: one structured CloudEvent a request. */
  readonly form: "batch" | "single";
  /** Of a batch, each of another photo as long as there are photos. */
  readonly eventsPerBatch: number;
  readonly photos: number;
}

/** Bytes that a photo may have now: `least` were acknowledged, `most` were sent. The same unless answers were missed. */
export interface ExpectedBytes {
  least: number;
  most: number;
}

/** A connection's events, each of which moves a photo on: one by one, so that none is late and each has to be applied. */
export class IngestLane implements Lane {
  sent = 0;
  accepted = 0;
  unchanged = 0;
  rejected = 0;
  /** Requests that got no answer that says what became of their events. */
  unclear = 0;
  readonly photos = new Map<string, ExpectedBytes>();
  readonly #options: IngestLaneOptions;
  /** Photos of the request under way. */
  #pending: ExpectedBytes[] = [];

  constructor(options: IngestLaneOptions) {
    this.#options = options;
  }

  get jobId(): string {
    return this.#options.name;
  }

  get userId(): string {
    return this.#options.name;
  }

  next(): CannonRequest {
    const { form, eventsPerBatch, ingestToken } = this.#options;
    if (this.#pending.length > 0) this.unclear += 1;
    this.#pending = [];
    const batch = Array.from({ length: form === "batch" ? eventsPerBatch : 1 }, () => this.#event());
    return {
      method: "POST",
      path: PATH,
      headers: {
        authorization: `Bearer ${ingestToken}`,
        "content-type":
          form === "batch" ? "application/cloudevents-batch+json" : "application/cloudevents+json",
      },
      body: JSON.stringify(form === "batch" ? batch : batch[0]),
    };
  }

  answered(status: number, body: string): void {
    const answer = answerOf(body);
    if (answer === null) {
      this.unclear += 1;
    } else {
      this.accepted += answer.accepted;
      this.unchanged += answer.unchanged;
      this.rejected += answer.rejected.length;
      if (status === OK && answer.rejected.length === 0)
        for (const photo of this.#pending) photo.least = photo.most;
    }
    this.#pending = [];
  }

  #event(): object {
    const photoId = `photo-${this.sent % this.#options.photos}`;
    const photo = this.photos.get(photoId) ?? { least: 0, most: 0 };
    this.photos.set(photoId, photo);
    photo.most += STEP_BYTES;
    this.#pending.push(photo);
    this.sent += 1;
    return {
      specversion: "1.0",
      id: `${this.jobId}-${this.sent}`,
      source: "/bench/ingest",
      type: "photo.upload.progressed",
      data: {
        jobId: this.jobId,
        photoId,
        userId: this.userId,
        bytesTransferred: photo.most,
        totalBytes: TOTAL_BYTES,
      },
    };
  }
}

/** Null: it is not the answer of an ingest, as that of a 503 is not. */
function answerOf(body: string): z.infer<typeof answerSchema> | null {
  try {
    return answerSchema.parse(JSON.parse(body));
  } catch {
    return null;
  }
}
