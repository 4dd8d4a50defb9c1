import type { Job, Photo } from "../../client/index.ts";
import {
  barText,
  formatBytes,
  formatPercent,
  formatSeconds,
  inColumns,
  printable,
  type Style,
  styled,
} from "./text.ts";
import type { JobView, PhotoView } from "./view.ts";

export interface Frame {
  readonly columns: number;
  readonly rows: number;
  readonly color: boolean;
  /** The last line, such as the state of the connection; null: none. */
  readonly footer: string | null;
}

interface Layout extends Frame {
  readonly nameColumns: number;
  readonly barColumns: number;
  readonly tailColumns: number;
}

/** What a job's line shows between its name and its tail. */
interface Shape {
  readonly cells: readonly string[];
  readonly tailColumns: number;
}

const GAP = "  ";
/** A tail narrower than this has no room for a reason beside the bytes. */
const REASON_COLUMNS = 32;
const MAX_ENDED_JOBS = 3;

/** The picture of all jobs: never more than `rows - 1` lines, none wider than `columns`. */
export function drawFrame(jobs: readonly JobView[], frame: Frame): string {
  const layout = layoutOf(frame);
  const footer = frame.footer === null ? [] : ["", dim(frame.footer, layout)];
  const budget = Math.max(1, frame.rows - 1 - footer.length);
  const lines = jobs.length === 0 ? [dim("Waiting for uploads …", layout)] : drawJobs(jobs, layout, budget);
  return [...lines.slice(0, budget), ...footer].slice(0, Math.max(1, frame.rows - 1)).join("\n");
}

function drawJobs(jobs: readonly JobView[], layout: Layout, budget: number): string[] {
  const active = jobs.filter(({ job }) => job?.hasEnded !== true);
  const ended = jobs.filter(({ job }) => job?.hasEnded === true);
  const endedRows = Math.min(ended.length, MAX_ENDED_JOBS, Math.max(1, Math.floor(budget / 4)));
  const shownEnded = ended.slice(ended.length - endedRows);
  const hidden = ended.length - endedRows;
  const endedCount = endedRows + Number(hidden > 0);

  const room = Math.max(1, budget - endedCount);
  const overflow = active.length > room;
  const shownActive = overflow ? active.slice(0, room - 1) : active;
  const photos = shownActive.map(listedPhotos);
  const shares = shareOut(
    room - shownActive.length - Number(overflow),
    photos.map((listed) => listed.length),
  );
  const activeLines = shownActive.flatMap((job, index) => [
    jobLine(job, layout),
    ...photoLines(photos[index] ?? [], shares[index] ?? 0, "photos", layout),
  ]);
  if (overflow) activeLines.push(more(active.length - shownActive.length, "jobs", layout));
  const endedLines = drawEnded(shownEnded, layout, budget - endedCount - activeLines.length);
  if (hidden > 0) endedLines.unshift(more(hidden, "ended", layout));
  return [...endedLines, ...activeLines];
}

/** A line a job, and what went wrong in it in the rows that nobody else needs. */
function drawEnded(jobs: readonly JobView[], layout: Layout, spareRows: number): string[] {
  const failed = jobs.map((job) => job.photos().filter(({ photo }) => photo.status === "FAILED"));
  const shares = shareOut(
    spareRows,
    failed.map((photos) => photos.length),
  );
  return jobs.flatMap((job, index) => [
    jobLine(job, layout),
    ...photoLines(failed[index] ?? [], shares[index] ?? 0, "failed", layout),
  ]);
}

/** Active ones first, then what ended a moment ago or failed. Those that ended well collapse into the job's counts. */
function listedPhotos(job: JobView): readonly PhotoView[] {
  const rank = ({ photo, isFresh }: PhotoView): number => (photo.hasEnded && !isFresh ? 1 : 0);
  const listed = job
    .photos()
    .filter(({ photo, isFresh }) => !photo.hasEnded || isFresh || photo.status === "FAILED");
  return listed.sort((one, other) => rank(one) - rank(other));
}

function photoLines(photos: readonly PhotoView[], rows: number, what: string, layout: Layout): string[] {
  if (photos.length <= rows) return photos.map((photo) => photoLine(photo, layout));
  if (rows === 0) return [];
  const shown = photos.slice(0, rows - 1).map((photo) => photoLine(photo, layout));
  return [...shown, more(photos.length - shown.length, what, layout)];
}

/** Gives each as much as it asks for while there is enough, and else the same to all. */
function shareOut(total: number, wanted: readonly number[]): readonly number[] {
  const shares = wanted.map(() => 0);
  let left = Math.max(0, total);
  while (left > 0) {
    const hungry = [...wanted.keys()]
      .filter((index) => (shares[index] ?? 0) < (wanted[index] ?? 0))
      .slice(0, left);
    if (hungry.length === 0) break;
    for (const index of hungry) shares[index] = (shares[index] ?? 0) + 1;
    left -= hungry.length;
  }
  return shares;
}

const JOB_MARKS: Readonly<Record<string, readonly [mark: string, style: Style]>> = {
  COMPLETED: ["✓", "green"],
  PARTIAL: ["!", "yellow"],
  FAILED: ["✗", "red"],
  CANCELLED: ["-", "gray"],
};

function jobLine({ jobId, job }: JobView, layout: Layout): string {
  const { color } = layout;
  const endedAs = job?.hasEnded === true ? job.status : null;
  const [mark, style] = JOB_MARKS[endedAs ?? ""] ?? (["▸", "cyan"] as const);
  const name = inColumns(printable(job?.title ?? jobId), layout.nameColumns - 2);
  const head = `${styled(mark, style, color)} ${styled(name, "bold", color)}`;
  const progressBar = bar(job?.progress ?? null, style, layout);
  const percent = formatPercent(job?.progress ?? null);
  const room = layout.columns - layout.nameColumns - 1;
  const shapes: readonly [Shape, ...Shape[]] = [
    { cells: [progressBar, percent], tailColumns: layout.tailColumns },
    { cells: [percent], tailColumns: room - percent.length - 1 },
    { cells: [], tailColumns: room },
  ];
  // Of a job that has ended, how is worth more than a full bar and 100 %.
  const word = endedAs?.length ?? 0;
  const { cells, tailColumns } = shapes.find((shape) => shape.tailColumns >= word) ?? shapes[0];
  return [head, ...cells, jobTail(job, tailColumns)].join(" ").trimEnd();
}

function jobTail(job: Job | null, columns: number): string {
  if (job === null) return "";
  const { completed, failed, total } = job.photos;
  const counts = `${completed}/${total}`.padStart(7);
  const failures = failed > 0 ? [`${failed} failed`] : [];
  if (job.hasEnded) {
    const status = job.status.toLowerCase();
    const bytes = formatBytes(job.bytesTransferred).padStart(9);
    const fitting = whatFits([status, counts, ...failures, bytes], columns);
    return [counts, bytes, status, ...failures].filter((part) => fitting.includes(part)).join(GAP);
  }
  const speed = typeof job.bytesPerSecond === "number" ? `${formatBytes(job.bytesPerSecond)}/s` : "";
  const eta = typeof job.etaSeconds === "number" ? `${formatSeconds(job.etaSeconds)} left` : "";
  return whatFits([counts, speed.padStart(11), eta.padStart(10), ...failures], columns).join(GAP);
}

/** The first of the parts, as many as fit whole beside each other. */
function whatFits(parts: readonly string[], columns: number): readonly string[] {
  const tooMany = parts.findIndex((_, index) => parts.slice(0, index + 1).join(GAP).length > columns);
  return tooMany < 0 ? parts : parts.slice(0, tooMany);
}

function photoLine({ photo }: PhotoView, layout: Layout): string {
  const { color } = layout;
  const [style, note] = photoNote(photo);
  const name = inColumns(printable(photo.fileName ?? photo.photoId), layout.nameColumns - 4);
  if (photo.status === "FAILED" && layout.tailColumns < REASON_COLUMNS) {
    // Why it failed is worth more than how far it came.
    const reason = inColumns(note, layout.columns - layout.nameColumns - 1).trimEnd();
    return `    ${name} ${styled(reason, style, color)}`;
  }
  const bytes =
    photo.totalBytes === null ? formatBytes(photo.bytesTransferred) : formatBytes(photo.totalBytes);
  const tail = inColumns(`${bytes.padStart(8)}  ${note}`, layout.tailColumns).trimEnd();
  const percent = styled(formatPercent(photo.progress), "dim", color);
  return `    ${name} ${bar(photo.progress, style, layout)} ${percent} ${styled(tail, style === "blue" ? "dim" : style, color)}`.trimEnd();
}

function photoNote(photo: Photo): readonly [style: Style, note: string] {
  const attempt = photo.attempt > 1 ? `attempt ${photo.attempt}` : "";
  switch (photo.status) {
    case "COMPLETED":
      return ["green", "✓"];
    case "FAILED":
      return ["red", printable(`✗ ${photo.error?.message || photo.error?.code || "failed"}`)];
    case "CANCELLED":
      return ["gray", "cancelled"];
    case "PROCESSING":
      return ["blue", "processing"];
    default:
      return photo.stalled === true ? ["yellow", "stalled"] : ["blue", attempt];
  }
}

function bar(progress: number | null, style: Style, { barColumns, color }: Layout): string {
  return barText((progress ?? 0) / 100, barColumns, style, color);
}

function more(count: number, what: string, layout: Layout): string {
  return dim(`  … and ${count} more ${what}`, layout);
}

function dim(text: string, { columns, color }: Layout): string {
  return styled(inColumns(text, columns).trimEnd(), "dim", color);
}

function layoutOf(frame: Frame): Layout {
  const columns = Math.max(20, frame.columns);
  const tailColumns = columns >= 96 ? 44 : columns >= 72 ? 32 : columns >= 56 ? 20 : 0;
  const nameColumns = Math.min(34, Math.max(8, Math.floor(columns * 0.28)));
  const barColumns = Math.min(40, Math.max(3, columns - nameColumns - tailColumns - 10));
  return { ...frame, columns, nameColumns, barColumns, tailColumns };
}
