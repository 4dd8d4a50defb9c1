import type { ConnectionState, Job, Photo, TransportName } from "../../client/index.ts";
import { bytesText, secondsText } from "../units.ts";

/** Whole percents, as the hub rounds: down, so that 100 is the end. */
export function percentText(progress: number): string {
  return `${Math.floor(progress)} %`;
}

export function photosText(count: number): string {
  return count === 1 ? "1 photo" : `${count.toLocaleString("en")} photos`;
}

export type Tone = "good" | "warn" | "bad" | "busy" | "idle";

interface Told {
  readonly tone: Tone;
  readonly text: string;
}

export function jobStatus({ status, photos }: Job): Told {
  const lost = photos.failed + photos.cancelled;
  switch (status) {
    case "UPLOADING":
      return { tone: "busy", text: "Uploading" };
    case "COMPLETED":
      return { tone: "good", text: "Done" };
    case "PARTIAL":
      return { tone: "warn", text: `Done, ${lost.toLocaleString("en")} missing` };
    case "FAILED":
      return { tone: "bad", text: "Failed" };
    case "CANCELLED":
      return { tone: "idle", text: "Cancelled" };
  }
}

/** `12 of 40 photos · 34 of 120 MB · 4.2 MB/s · 20 s left`, without what nobody knows. */
export function jobDetails(job: Job): string {
  const { photos, bytesTransferred, totalBytes, bytesPerSecond, etaSeconds } = job;
  const parts = [`${photos.completed.toLocaleString("en")} of ${photosText(photos.total)}`];
  if (job.hasEnded || totalBytes === null) parts.push(bytesText(bytesTransferred));
  else parts.push(`${bytesText(bytesTransferred)} of ${bytesText(totalBytes)}`);
  if (!job.hasEnded) {
    if (typeof bytesPerSecond === "number" && bytesPerSecond > 0)
      parts.push(`${bytesText(bytesPerSecond)}/s`);
    if (typeof etaSeconds === "number") parts.push(`${secondsText(etaSeconds)} left`);
  }
  return parts.join(" · ");
}

export function photoStatus(photo: Photo): Told {
  const { status, progress, error, stalled, attempt, bytesTransferred, totalBytes } = photo;
  switch (status) {
    case "COMPLETED":
      return { tone: "good", text: totalBytes === null ? "Done" : `Done · ${bytesText(totalBytes)}` };
    case "FAILED":
      return { tone: "bad", text: error === undefined ? "Failed" : `Failed: ${error.message || error.code}` };
    case "CANCELLED":
      return { tone: "idle", text: "Cancelled" };
    case "PROCESSING":
      return { tone: "busy", text: "Processing" };
    case "UPLOADING": {
      const far = progress === null ? `${bytesText(bytesTransferred)} so far` : percentText(progress);
      if (stalled === true) return { tone: "warn", text: `Stalled at ${far}` };
      return { tone: "busy", text: attempt > 1 ? `${far} · attempt ${attempt}` : far };
    }
  }
}

const TRANSPORTS: Readonly<Record<TransportName, string>> = {
  websocket: "WebSocket",
  sse: "SSE",
  polling: "polling",
  socketio: "Socket.IO",
};

/** `waitMs`: until it is tried again; null: it is being tried, or is there. */
export function connectionStatus({ phase, transport, reason }: ConnectionState, waitMs: number | null): Told {
  const over = transport === null ? "" : ` · ${TRANSPORTS[transport]}`;
  switch (phase) {
    case "live":
      return { tone: "good", text: `Live${over}` };
    case "polling":
      return { tone: "good", text: "Live · polling" };
    case "connecting":
      return { tone: "busy", text: `Connecting${over}` };
    case "resuming": {
      const when = waitMs === null ? "…" : ` in ${Math.max(1, Math.ceil(waitMs / 1_000))} s`;
      return { tone: "warn", text: `Coming back${when}` };
    }
    case "closed":
      return { tone: "bad", text: reasonText(reason) };
  }
}

/** Another token would help. */
export function isOfToken(reason: string | null): boolean {
  return reason?.startsWith("token_") === true || reason === "closed_4401";
}

const REASONS: Readonly<Record<string, string>> = {
  closed_1009: "Closed: what was sent was too large",
  closed_4400: "Closed: the hub did not understand",
  closed_4401: "Signed out: the token has expired, or was revoked",
  closed_4429: "Closed: too many connections of this user",
  origin_not_allowed: "Closed: the hub does not serve this address",
  token_missing: "Signed out: there is no token",
  token_invalid: "Signed out: the hub does not accept the token",
  token_expired: "Signed out: the token has expired",
  token_revoked: "Signed out: the token was revoked",
  replaced: "Closed: too many connections of this user",
  closed: "Closed",
};

export function reasonText(reason: string | null): string {
  return REASONS[reason ?? "closed"] ?? `Closed: ${reason}`;
}
