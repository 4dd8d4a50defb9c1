import { createLogUpdate } from "log-update";
import type { Totals } from "../../../simulator/runner.ts";
import type { JobInFlight, Scene } from "../../../simulator/scene.ts";
import type { Workload } from "../../../simulator/workload.ts";
import type { Host, Output } from "../host.ts";
import { barText, inColumns, styled } from "../watch/text.ts";

interface Shown {
  readonly totals: Totals;
  readonly jobs: Pick<Workload, "jobsBegun" | "jobsEnded">;
  readonly scene: Pick<Scene, "endings" | "jobs">;
}

export type RunEnd = "done" | "stopped" | "failed";

const TERMINAL_MS = 200;
const PLAIN_MS = 1_000;
const MAX_BARS = 5;
const BAR_COLUMNS = 24;
const NAME_COLUMNS = 34;

/** Live figures of a simulation until `close`, which prints the summary: a block on a terminal, lines elsewhere. */
export function showTotals(
  out: Output,
  env: Host["env"],
  title: string,
  shown: Shown,
): { close(end: RunEnd): void } {
  out.write(`${title}\n`);
  const terminal = out.isTTY === true;
  const color = terminal && (env.NO_COLOR ?? "") === "";
  const meter = rateMeter(shown.totals);
  const update = createLogUpdate(out);
  const draw = (): void => {
    const perSecond = meter.perSecond();
    const columns = out.columns ?? 80;
    if (terminal) update([...bars(shown, columns, color), ...block(shown, perSecond, color)].join("\n"));
    else out.write(`${plainLine(shown, perSecond)}\n`);
  };
  const timer = setInterval(draw, terminal ? TERMINAL_MS : PLAIN_MS);
  return {
    close: (end) => {
      clearInterval(timer);
      if (terminal) {
        update(block(shown, meter.average(), color).join("\n"));
        update.done();
      }
      out.write(`${summary(shown, end, meter)}\n`);
    },
  };
}

function summary({ totals, jobs, scene }: Shown, end: RunEnd, meter: RateMeter): string {
  const { sent, accepted, unchanged, rejected, rejectedByCode, simulatedMs } = totals;
  const codes = [...rejectedByCode].map(([code, count]) => `${code} ${count}`).join(", ");
  const refused = `${rejected} rejected${codes === "" ? "" : ` (${codes})`}`;
  const { completed, failed, cancelled } = scene.endings;
  return [
    `${end} after ${meter.seconds().toFixed(1)} s (${(simulatedMs / 1_000).toFixed(1)} s simulated): ` +
      `${sent} events sent, ${accepted} accepted, ${unchanged} unchanged, ${refused}, ${Math.round(meter.average())} events/s`,
    `${completed} attempts completed, ${failed} failed, ${cancelled} cancelled`,
    `${jobs.jobsEnded} of ${jobs.jobsBegun} jobs ended`,
  ].join("; ");
}

function plainLine({ totals, jobs, scene }: Shown, perSecond: number): string {
  const { sent, accepted, unchanged, rejected, retries } = totals;
  const figures = { sent, accepted, unchanged, rejected, retries, ...scene.endings };
  const counts = Object.entries(figures)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
  return `${counts} rate=${Math.round(perSecond)}/s jobs-in-flight=${jobs.jobsBegun - jobs.jobsEnded} jobs-ended=${jobs.jobsEnded}`;
}

function bars({ scene }: Shown, columns: number, color: boolean): readonly string[] {
  const jobs = scene.jobs(MAX_BARS);
  return jobs.length === 0 ? [] : [...jobs.map((job) => barLine(job, columns, color)), ""];
}

/** By bytes where they are known, else by photos. */
function barLine(job: JobInFlight, columns: number, color: boolean): string {
  const { userId, title, photoCount, ended, bytes, totalBytes } = job;
  const whole = totalBytes ?? photoCount ?? 0;
  const part = totalBytes === null ? ended : bytes;
  const share = whole === 0 ? 0 : Math.min(1, part / whole);
  const name = inColumns(
    `${userId} · ${title}`,
    Math.min(NAME_COLUMNS, Math.max(8, columns - BAR_COLUMNS - 14)),
  );
  const count = `${ended}/${photoCount ?? "?"}`;
  return `  ${name} ${barText(share, BAR_COLUMNS, "blue", color)} ${styled(count, "dim", color)}`;
}

function block({ totals, jobs, scene }: Shown, perSecond: number, color: boolean): readonly string[] {
  const cell = (label: string, value: number, alarming = false): string => {
    const figure = Math.round(value).toLocaleString("en-US").padStart(11);
    return `${styled(label.padEnd(10), "dim", color)}${styled(figure, alarming && value > 0 ? "red" : "bold", color)}`;
  };
  const { completed, failed, cancelled } = scene.endings;
  const rows = [
    [cell("sent", totals.sent), cell("accepted", totals.accepted), cell("events/s", perSecond)],
    [
      cell("unchanged", totals.unchanged),
      cell("rejected", totals.rejected, true),
      cell("retries", totals.retries, true),
    ],
    [cell("completed", completed), cell("failed", failed), cell("cancelled", cancelled)],
    [
      cell("jobs", jobs.jobsBegun),
      cell("in flight", jobs.jobsBegun - jobs.jobsEnded),
      cell("ended", jobs.jobsEnded),
    ],
  ];
  return rows.map((cells) => `  ${cells.join("   ")}`);
}

interface RateMeter {
  /** Over the last two seconds or so. */
  perSecond(): number;
  average(): number;
  seconds(): number;
}

function rateMeter(totals: Totals): RateMeter {
  const startMs = performance.now();
  const samples = [{ atMs: startMs, sent: 0 }];
  const secondsSince = (ms: number): number => Math.max(0.001, (performance.now() - ms) / 1_000);
  return {
    perSecond: () => {
      samples.push({ atMs: performance.now(), sent: totals.sent });
      while (samples.length > 2 && (samples[1]?.atMs ?? 0) < performance.now() - 2_000) samples.shift();
      const first = samples[0] ?? { atMs: startMs, sent: 0 };
      return (totals.sent - first.sent) / secondsSince(first.atMs);
    },
    average: () => totals.sent / secondsSince(startMs),
    seconds: () => secondsSince(startMs),
  };
}
