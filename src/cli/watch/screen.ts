import { stripVTControlCharacters } from "node:util";
import { createLogUpdate } from "log-update";
import type { Output } from "../host.ts";
import { drawFrame } from "./draw.ts";
import { isPhotoMessage, parseMessage } from "./message.ts";
import { PlainLines } from "./plain.ts";
import { widthOf } from "./text.ts";
import { ProgressView } from "./view.ts";

/** Shows a user's frames to a person. */
export interface Screen {
  readonly view: ProgressView;
  opened(): void;
  frame(text: string): void;
  /** The state of the connection, in words; null: nothing worth saying. */
  status(text: string | null): void;
  /** Draws the last state and leaves the terminal as it was found. */
  close(): void;
}

/** Ten frames a second: smooth to the eye, calm to the terminal, and nothing to draw between. */
const FRAME_MS = 100;

const RESET = "\u001b[0m";

/** Bars on a terminal, lines elsewhere. */
export function createScreen(
  output: Output,
  env: Readonly<Record<string, string | undefined>>,
  footer: string,
): Screen {
  return output.isTTY === true ? barScreen(output, env, footer) : plainScreen(output);
}

function barScreen(
  output: Output,
  env: Readonly<Record<string, string | undefined>>,
  footer: string,
): Screen {
  const view = new ProgressView();
  const update = createLogUpdate(output);
  const color = (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
  let status: string | null = null;
  let height = 0;
  let shown: Shown = { picture: "", columns: 0 };
  let redraws = 0;
  const draw = (last = false): void => {
    const { columns = 80, rows = 24 } = output;
    const line = last ? null : (status ?? footer);
    const picture = drawFrame(view.jobs, { columns, rows, nowMs: performance.now(), color, footer: line });
    const lines = picture.split("\n").length;
    if (columns < shown.columns) clearReflowed(output, update, shown.picture, columns);
    shown = { picture, columns };
    if (lines !== height) redraws += 1;
    height = lines;
    // log-update 7 patches frames of different height wrongly unless their first lines differ: then it draws them whole.
    update(`${redraws % 2 === 0 ? "" : RESET}${picture}`);
  };
  // The picture changes by itself too (what has settled leaves it), and log-update writes only what differs.
  const timer = setInterval(draw, FRAME_MS);
  return {
    view,
    opened: () => view.opened(),
    frame: (text) => {
      const message = parseMessage(text);
      if (message !== null) view.apply(message, performance.now());
    },
    status: (text) => {
      status = text;
    },
    close: () => {
      clearInterval(timer);
      draw(true);
      update.done();
    },
  };
}

/** The last picture drawn, and how wide the terminal was then. */
interface Shown {
  readonly picture: string;
  readonly columns: number;
}

/**
 * A terminal that got narrower has broken the long lines of the picture, so that it takes more rows than log-update
 * knows of: those above what it clears are cleared too. What the terminal has moved to its scrollback stays there.
 */
function clearReflowed(
  output: Output,
  update: ReturnType<typeof createLogUpdate>,
  picture: string,
  columns: number,
): void {
  update.clear();
  const lines = stripVTControlCharacters(picture).split("\n");
  const added = lines.reduce((sum, line) => sum + Math.max(0, Math.ceil(widthOf(line) / columns) - 1), 0);
  output.write("\u001b[1A\u001b[2K".repeat(added));
}

function plainScreen(output: Output): Screen {
  const view = new ProgressView();
  const lines = new PlainLines();
  const write = (line: string | null): void => {
    if (line !== null) output.write(`${line}\n`);
  };
  return {
    view,
    opened: () => view.opened(),
    frame: (text) => {
      const message = parseMessage(text);
      if (message === null || !view.apply(message, performance.now())) return;
      if (message.type === "synced") return lines.forget((jobId) => view.job(jobId) !== null);
      if (!("jobId" in message)) return;
      const job = view.job(message.jobId);
      if (job === null) return;
      const photo = isPhotoMessage(message) ? job.photos.get(message.photoId) : undefined;
      write(photo === undefined ? lines.job(job) : lines.photo(photo));
      if (job.ended) lines.forget((jobId) => view.job(jobId) !== null);
    },
    status: (text) => write(text),
    close: () => undefined,
  };
}
