import type { Job, Photo } from "../../client/index.ts";
import { formatBytes, formatPercent, printable } from "./text.ts";

const BAR_COLUMNS = 20;

/** Lines for a log or a pipe: one a change of status and per 10 % of each photo and job. */
export class PlainLines {
  /** By job, then by photo (the empty name is the job's own): what was last told. */
  readonly #told = new Map<string, Map<string, string>>();

  /** The line that this state of the photo is worth, or null when the last one still says it. */
  photo(photo: Photo): string | null {
    const { jobId, photoId, progress, status, attempt } = photo;
    const stalled = photo.stalled === true ? " (stalled)" : "";
    if (!this.#isNews(jobId, photoId, progress, `${status}${stalled}${attempt}`)) return null;
    const name = photo.fileName === undefined ? "" : ` ${printable(photo.fileName)}`;
    const error = photo.error === undefined ? "" : `: ${printable(photo.error.message)}`;
    const again = attempt > 1 ? ` (attempt ${attempt})` : "";
    return `${bar(progress)} ${jobId}/${photoId}${name} ${status}${stalled}${again}${error}`;
  }

  job(job: Job): string | null {
    const { jobId, progress, status, hasEnded } = job;
    if (!this.#isNews(jobId, "", progress, `${status}${hasEnded}`)) return null;
    const { completed, failed, total } = job.photos;
    const title = job.title === undefined ? "" : ` ${printable(job.title)}`;
    const counts = `${completed}/${total} photos${failed > 0 ? `, ${failed} failed` : ""}`;
    const line = `${bar(progress)} ${jobId}${title} ${status}, ${counts}, ${formatBytes(job.bytesTransferred)}`;
    return hasEnded ? `${line}, job ended` : line;
  }

  /** Drops what was told of jobs that `kept` says no to. */
  forget(kept: (jobId: string) => boolean): void {
    for (const jobId of this.#told.keys()) if (!kept(jobId)) this.#told.delete(jobId);
  }

  #isNews(jobId: string, photoId: string, progress: number | null, status: string): boolean {
    const ofJob = this.#told.get(jobId) ?? new Map<string, string>();
    this.#told.set(jobId, ofJob);
    const news = `${status} ${progress === null ? "?" : Math.floor(progress / 10)}`;
    if (ofJob.get(photoId) === news) return false;
    ofJob.set(photoId, news);
    return true;
  }
}

function bar(progress: number | null): string {
  const filled = Math.floor(((progress ?? 0) / 100) * BAR_COLUMNS);
  return `[${"#".repeat(filled)}${".".repeat(BAR_COLUMNS - filled)}] ${formatPercent(progress)}`;
}
