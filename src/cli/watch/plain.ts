import { formatBytes, formatPercent, printable } from "./text.ts";
import type { JobView, PhotoView } from "./view.ts";

const BAR_COLUMNS = 20;

/** Lines for a log or a pipe: one a change of status and per 10 % of each photo and job. */
export class PlainLines {
  /** By job, then by photo (the empty name is the job's own): what was last told. */
  readonly #told = new Map<string, Map<string, string>>();

  /** The line that this state of the photo is worth, or null when the last one still says it. */
  photo({ last, fileName }: PhotoView): string | null {
    const stalled = last.stalled === true ? " (stalled)" : "";
    if (!this.#isNews(last.jobId, last.photoId, last.progress, `${last.status}${stalled}${last.attempt}`))
      return null;
    const name = fileName === null ? "" : ` ${printable(fileName)}`;
    const error = last.error === undefined ? "" : `: ${printable(last.error.message)}`;
    const attempt = last.attempt > 1 ? ` (attempt ${last.attempt})` : "";
    return `${bar(last.progress)} ${last.jobId}/${last.photoId}${name} ${last.status}${stalled}${attempt}${error}`;
  }

  job({ last, ended }: JobView): string | null {
    if (last === null || !this.#isNews(last.jobId, "", last.progress, `${last.status}${ended}`)) return null;
    const { completed, failed, total } = last.photos;
    const title = last.title === undefined ? "" : ` ${printable(last.title)}`;
    const counts = `${completed}/${total} photos${failed > 0 ? `, ${failed} failed` : ""}`;
    const line = `${bar(last.progress)} ${last.jobId}${title} ${last.status}, ${counts}, ${formatBytes(last.bytesTransferred)}`;
    return ended ? `${line}, job ended` : line;
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
