import {
  formatBytes,
  formatPercent,
  formatSeconds,
  inColumns,
  printable,
  type Style,
  styled,
} from "./text.ts";
import { isSettled, type JobView, type PhotoView } from "./view.ts";

export interface Frame {
  readonly columns: number;
  readonly rows: number;
  readonly nowMs: number;
  readonly color: boolean;
  /** The last line, such as the state of the connection; null: none. */
  readonly footer: string | null;
}

interface Layout extends Frame {
  readonly nameColumns: number;
  readonly barColumns: number;
  readonly tailColumns: number;
}

/** How long a photo stays after its ending, so that the eye sees it reach the end. */
const LINGER_MS = 1_000;
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
  const active = jobs.filter((job) => !job.ended);
  const ended = jobs.filter((job) => job.ended);
  const endedRows = Math.min(ended.length, MAX_ENDED_JOBS, Math.max(1, Math.floor(budget / 4)));
  const shownEnded = ended.slice(ended.length - endedRows);
  const endedLines = shownEnded.map((job) => jobLine(job, layout));
  const hidden = ended.length - endedRows;
  if (hidden > 0) endedLines.unshift(more(hidden, "ended", layout));

  const room = Math.max(1, budget - endedLines.length);
  const overflow = active.length > room;
  const shownActive = overflow ? active.slice(0, room - 1) : active;
  const photos = shownActive.map((job) => listedPhotos(job, layout.nowMs));
  const shares = shareOut(
    room - shownActive.length - Number(overflow),
    photos.map((listed) => listed.length),
  );
  const activeLines = shownActive.flatMap((job, index) => [
    jobLine(job, layout),
    ...photoLines(photos[index] ?? [], shares[index] ?? 0, layout),
  ]);
  if (overflow) activeLines.push(more(active.length - shownActive.length, "jobs", layout));
  return [...endedLines, ...activeLines];
}

/** Active ones first, then what ended a moment ago or failed. Those that ended well collapse into the job's counts. */
function listedPhotos(job: JobView, nowMs: number): readonly PhotoView[] {
  const all = [...job.photos.values()];
  const lingering = (photo: PhotoView): boolean =>
    photo.settledAtMs !== null && nowMs - photo.settledAtMs < LINGER_MS;
  const rank = (photo: PhotoView): number => (isSettled(photo) && !lingering(photo) ? 1 : 0);
  const listed = all.filter(
    (photo) => !isSettled(photo) || lingering(photo) || photo.last.status === "FAILED",
  );
  return listed.sort((one, other) => rank(one) - rank(other));
}

function photoLines(photos: readonly PhotoView[], rows: number, layout: Layout): string[] {
  if (photos.length <= rows) return photos.map((photo) => photoLine(photo, layout));
  if (rows === 0) return [];
  const shown = photos.slice(0, rows - 1).map((photo) => photoLine(photo, layout));
  return [...shown, more(photos.length - shown.length, "photos", layout)];
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

function jobLine({ jobId, last, ended }: JobView, layout: Layout): string {
  const { color } = layout;
  const [mark, style] = (ended ? JOB_MARKS[last?.status ?? ""] : undefined) ?? (["▸", "cyan"] as const);
  const name = inColumns(printable(last?.title ?? jobId), layout.nameColumns - 2);
  return [
    `${styled(mark, style, color)} ${styled(name, "bold", color)}`,
    bar(last?.progress ?? null, style, layout),
    formatPercent(last?.progress ?? null),
    jobTail(last, ended, layout.tailColumns),
  ]
    .join(" ")
    .trimEnd();
}

function jobTail(last: JobView["last"], ended: boolean, columns: number): string {
  if (last === null) return "";
  const { completed, failed, total } = last.photos;
  const counts = `${completed}/${total}`.padStart(7);
  const failures = failed > 0 ? [`${failed} failed`] : [];
  if (ended) {
    return whatFits(
      [counts, formatBytes(last.bytesTransferred).padStart(9), last.status.toLowerCase(), ...failures],
      columns,
    );
  }
  const speed = typeof last.bytesPerSecond === "number" ? `${formatBytes(last.bytesPerSecond)}/s` : "";
  const eta = typeof last.etaSeconds === "number" ? `${formatSeconds(last.etaSeconds)} left` : "";
  return whatFits([counts, speed.padStart(11), eta.padStart(10), ...failures], columns);
}

/** The first of the parts, as many as fit whole. */
function whatFits(parts: readonly string[], columns: number): string {
  let text = "";
  for (const part of parts) {
    const longer = text === "" ? part : `${text}  ${part}`;
    if (longer.length > columns) break;
    text = longer;
  }
  return text;
}

function photoLine({ last, fileName }: PhotoView, layout: Layout): string {
  const { color } = layout;
  const [style, note] = photoNote(last);
  const name = inColumns(printable(fileName ?? last.photoId), layout.nameColumns - 4);
  const bytes = last.totalBytes === null ? formatBytes(last.bytesTransferred) : formatBytes(last.totalBytes);
  const tail = inColumns(`${bytes.padStart(8)}  ${note}`, layout.tailColumns).trimEnd();
  const percent = styled(formatPercent(last.progress), "dim", color);
  return `    ${name} ${bar(last.progress, style, layout)} ${percent} ${styled(tail, style === "blue" ? "dim" : style, color)}`.trimEnd();
}

function photoNote(last: PhotoView["last"]): readonly [style: Style, note: string] {
  const attempt = last.attempt > 1 ? `attempt ${last.attempt}` : "";
  switch (last.status) {
    case "COMPLETED":
      return ["green", "✓"];
    case "FAILED":
      return ["red", printable(`✗ ${last.error?.message ?? "failed"}`)];
    case "CANCELLED":
      return ["gray", "cancelled"];
    case "PROCESSING":
      return ["blue", "processing"];
    default:
      return last.stalled === true ? ["yellow", "stalled"] : ["blue", attempt];
  }
}

function bar(progress: number | null, style: Style, { barColumns, color }: Layout): string {
  const halves = Math.floor(((progress ?? 0) / 100) * barColumns * 2);
  const filled = "━".repeat(Math.floor(halves / 2)) + (halves % 2 === 1 ? "╸" : "");
  return styled(filled, style, color) + styled("─".repeat(barColumns - filled.length), "gray", color);
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
