import type { Shown } from "./client-record.ts";

// What a message may be by itself, whatever was told before it (contract.md, progress-rules.md).

const JOB_ENDS: readonly string[] = ["COMPLETED", "PARTIAL", "FAILED", "CANCELLED"];
const PHOTO_ENDS: readonly string[] = ["FAILED", "CANCELLED"];
const UNDER_WAY: readonly string[] = ["UPLOADING", "PROCESSING"];

/** What of the message contradicts itself or the contract; null: nothing. What it does not have is not looked at. */
export function contradictionIn(message: Shown): string | null {
  return message.photoId === undefined ? inJob(message) : inPhoto(message);
}

function inPhoto({ type, status, progress, bytesTransferred = 0, totalBytes = null }: Shown): string | null {
  if (totalBytes !== null && bytesTransferred > totalBytes) return "more bytes than there are";
  if (type === "upload_completed") {
    if (status !== "COMPLETED" || progress !== 100) return "completed, and not at 100 %";
    return totalBytes !== null && bytesTransferred < totalBytes ? "completed, and not all bytes" : null;
  }
  if (progress === 100) return "at 100 % before it is completed";
  const mayBe = type === "upload_failed" ? PHOTO_ENDS : UNDER_WAY;
  return mayBe.includes(status) ? null : `${type} of a photo that is ${status}`;
}

function inJob({ type, status, progress, photos }: Shown): string | null {
  if (type === "job_completed" && progress !== 100) return "a job at its end, and not at 100 %";
  if (type === "job_progress" && progress === 100) return "a job at 100 % before its end";
  if (type === "job_completed" && !JOB_ENDS.includes(status)) return `a job at its end that is ${status}`;
  if (type === "job_progress" && status !== "UPLOADING") return `a job under way that is ${status}`;
  if (photos === undefined) return null;
  const { total, completed, failed, cancelled, active } = photos;
  if (completed + failed + cancelled + active > total) return "more photos than there are";
  if (type === "job_completed" && active > 0) return "a job at its end with photos under way";
  const isBorneOut: Readonly<Record<string, boolean>> = {
    COMPLETED: failed === 0,
    FAILED: completed === 0,
    PARTIAL: completed > 0 && completed + cancelled < total,
  };
  return isBorneOut[status] === false ? `a job that is ${status}, which its counts do not bear out` : null;
}
