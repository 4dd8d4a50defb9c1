import { createLogUpdate } from "log-update";
import type { Totals } from "../../simulator/runner.ts";
import type { Workload } from "../../simulator/workload.ts";
import type { Host } from "./host.ts";
import { styled } from "./watch/text.ts";

interface Simulation {
  readonly users: number;
  readonly rate: number;
  readonly seed: number;
  readonly internalUrl: string;
}

type Jobs = Pick<Workload, "jobsBegun" | "jobsEnded">;

const TERMINAL_MS = 200;
const PLAIN_MS = 1_000;

/** Live figures of a simulation until `close`, which prints the summary: a block on a terminal, lines elsewhere. */
export function showTotals(
  { stdout, env }: Host,
  simulation: Simulation,
  totals: Totals,
  jobs: Jobs,
): { close(stopped: boolean): void } {
  const { users, rate, seed, internalUrl } = simulation;
  const plural = users === 1 ? "" : "s";
  stdout.write(`simulating ${users} user${plural} into ${internalUrl}, ${rate} events/s, seed ${seed}\n`);
  const terminal = stdout.isTTY === true;
  const color = terminal && (env.NO_COLOR ?? "") === "";
  const meter = rateMeter(totals);
  const update = createLogUpdate(stdout);
  const draw = (): void => {
    const perSecond = meter.perSecond();
    if (terminal) update(block(totals, jobs, perSecond, color));
    else stdout.write(`${plainLine(totals, jobs, perSecond)}\n`);
  };
  const timer = setInterval(draw, terminal ? TERMINAL_MS : PLAIN_MS);
  return {
    close: (stopped) => {
      clearInterval(timer);
      if (terminal) {
        update(block(totals, jobs, meter.average(), color));
        update.done();
      }
      const codes = [...totals.rejectedByCode].map(([code, count]) => `${code} ${count}`).join(", ");
      const seconds = meter.seconds().toFixed(1);
      const rejected = `${totals.rejected} rejected${codes === "" ? "" : ` (${codes})`}`;
      stdout.write(
        `${stopped ? "stopped" : "done"} after ${seconds} s: ${totals.sent} events sent, ${totals.accepted} accepted, ` +
          `${totals.unchanged} unchanged, ${rejected}, ${Math.round(meter.average())} events/s; ` +
          `${jobs.jobsEnded} of ${jobs.jobsBegun} jobs ended\n`,
      );
    },
  };
}

function plainLine(totals: Totals, jobs: Jobs, perSecond: number): string {
  const { sent, accepted, unchanged, rejected, retries } = totals;
  const figures = { sent, accepted, unchanged, rejected, retries };
  const counts = Object.entries(figures)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
  return `${counts} rate=${Math.round(perSecond)}/s jobs-in-flight=${jobs.jobsBegun - jobs.jobsEnded} jobs-ended=${jobs.jobsEnded}`;
}

function block(totals: Totals, jobs: Jobs, perSecond: number, color: boolean): string {
  const cell = (label: string, value: number, alarming = false): string => {
    const figure = Math.round(value).toLocaleString("en-US").padStart(11);
    return `${styled(label.padEnd(10), "dim", color)}${styled(figure, alarming && value > 0 ? "red" : "bold", color)}`;
  };
  const rows = [
    [cell("sent", totals.sent), cell("accepted", totals.accepted), cell("events/s", perSecond)],
    [
      cell("unchanged", totals.unchanged),
      cell("rejected", totals.rejected, true),
      cell("retries", totals.retries, true),
    ],
    [
      cell("jobs", jobs.jobsBegun),
      cell("in flight", jobs.jobsBegun - jobs.jobsEnded),
      cell("ended", jobs.jobsEnded),
    ],
  ];
  return rows.map((cells) => `  ${cells.join("   ")}`).join("\n");
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
