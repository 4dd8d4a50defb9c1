import { stripVTControlCharacters } from "node:util";
import { createLogUpdate } from "log-update";
import type { ProgressStore } from "../../client/index.ts";
import type { Output } from "../host.ts";
import { drawFrame } from "./draw.ts";
import { PlainLines } from "./plain.ts";
import { widthOf } from "./text.ts";
import { Onlooker } from "./view.ts";

/** Shows a store to a person. */
export interface Screen {
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
  store: ProgressStore,
): Screen {
  return output.isTTY === true ? barScreen(output, env, footer, store) : plainScreen(output, store);
}

function barScreen(
  output: Output,
  env: Readonly<Record<string, string | undefined>>,
  footer: string,
  store: ProgressStore,
): Screen {
  const onlooker = new Onlooker(store);
  const update = createLogUpdate(output);
  const color = (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
  let status: string | null = null;
  let height = 0;
  let shown: Shown = { picture: "", columns: 0 };
  let redraws = 0;
  const draw = (last = false): void => {
    const { columns = 80, rows = 24 } = output;
    const line = last ? null : (status ?? footer);
    const picture = drawFrame(onlooker.look(performance.now()), { columns, rows, color, footer: line });
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

function plainScreen(output: Output, store: ProgressStore): Screen {
  const lines = new PlainLines();
  const write = (line: string | null): void => {
    if (line !== null) output.write(`${line}\n`);
  };
  const stops = [
    store.events.on("photo", (photo) => write(lines.photo(photo))),
    store.events.on("job", (job) => write(lines.job(job))),
    store.onJobs(() => {
      const kept = new Set(store.jobIds());
      lines.forget((jobId) => kept.has(jobId));
    }),
  ];
  return {
    status: write,
    close: () => {
      for (const stop of stops) stop();
    },
  };
}
