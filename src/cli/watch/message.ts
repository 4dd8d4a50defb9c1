import { z } from "zod";

const nullableNumber = z.number().nullable();

const common = {
  jobId: z.string(),
  progress: nullableNumber,
  status: z.string(),
  id: z.string(),
  bytesTransferred: z.number(),
  totalBytes: nullableNumber,
};

const photoMessage = z.object({
  ...common,
  type: z.enum(["upload_started", "upload_progress", "upload_completed", "upload_failed"]),
  photoId: z.string(),
  attempt: z.number(),
  fileName: z.string().optional(),
  stalled: z.boolean().optional(),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
});

const jobMessage = z.object({
  ...common,
  type: z.enum(["job_progress", "job_completed"]),
  photos: z.object({
    total: z.number(),
    completed: z.number(),
    failed: z.number(),
    cancelled: z.number(),
    active: z.number(),
  }),
  title: z.string().optional(),
  bytesPerSecond: nullableNumber.optional(),
  etaSeconds: nullableNumber.optional(),
});

const synced = z.object({
  type: z.literal("synced"),
  mode: z.enum(["snapshot", "resumed"]),
  id: z.string().nullish(),
});
const reconnect = z.object({ type: z.literal("reconnect"), afterMs: z.number().min(0) });
const message = z.discriminatedUnion("type", [photoMessage, jobMessage, synced, reconnect]);

export type PhotoMessage = z.infer<typeof photoMessage>;
export type JobMessage = z.infer<typeof jobMessage>;
/** What `watch` understands of a hub's messages; others are for somebody else. */
export type HubMessage = z.infer<typeof message>;

/** null: not JSON, or of a type or shape that this version does not know. */
export function parseMessage(text: string): HubMessage | null {
  try {
    return message.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

export function isPhotoMessage(from: HubMessage): from is PhotoMessage {
  return "photoId" in from;
}

export function isJobMessage(from: HubMessage): from is JobMessage {
  return from.type === "job_progress" || from.type === "job_completed";
}
