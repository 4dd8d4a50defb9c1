import type { JobMessage, PhotoMessage } from "../../src/client/messages.ts";

const TIMESTAMP = "2026-01-01T00:00:00.000Z";

/** Of job `j` and photo `p` unless said otherwise; its id is `a-<seq>`. */
export function photoMessage(seq: number, progress: number, more: Partial<PhotoMessage> = {}): PhotoMessage {
  return {
    ...{ type: "upload_progress", id: `a-${seq}`, jobId: "j", photoId: "p", status: "UPLOADING", progress },
    ...{ timestamp: TIMESTAMP, bytesTransferred: progress, totalBytes: 100, attempt: 1 },
    ...more,
  };
}

export function jobMessage(seq: number, more: Partial<JobMessage> = {}): JobMessage {
  return {
    ...{
      type: "job_progress",
      id: `a-${seq}`,
      jobId: "j",
      status: "UPLOADING",
      progress: 10,
      totalsVersion: 1,
    },
    ...{ timestamp: TIMESTAMP, bytesTransferred: 1, totalBytes: 10 },
    photos: { total: 1, completed: 0, failed: 0, cancelled: 0, active: 1 },
    ...more,
  };
}

export function jobEnd(seq: number, more: Partial<JobMessage> = {}): JobMessage {
  return jobMessage(seq, { type: "job_completed", status: "COMPLETED", progress: 100, ...more });
}

/** All that there was to tell was told, up to `a-<seq>`. */
export function synced(mode: "snapshot" | "resumed", seq: number) {
  return { type: "synced", mode, id: `a-${seq}` } as const;
}
