import { AS_TAKEN, type Pace } from "../../../simulator/pace.ts";
import { CommandFailed, exitCode } from "../exit-codes.ts";
import { wholeNumber } from "../options.ts";

const MAX_SPEED = 10_000;
const MAX_RATE = 1_000_000;

/** `unpaced`: what it is where nothing was asked for. */
export function paceOf(
  { speed, rate }: { readonly speed?: string; readonly rate?: string },
  unpaced: Pace,
): Pace {
  if (speed !== undefined && rate !== undefined) {
    throw new CommandFailed(exitCode.usage, "--speed and --rate are two ways to say how fast; take one");
  }
  if (rate !== undefined) {
    return { kind: "rate", eventsPerSecond: wholeNumber("--rate", rate, 1, MAX_RATE) };
  }
  if (speed === undefined) return unpaced;
  if (speed === "max") return AS_TAKEN;
  const value = /^\d+(\.\d+)?$/.test(speed) ? Number(speed) : Number.NaN;
  if (value > 0 && value <= MAX_SPEED) return { kind: "speed", speed: value };
  throw new CommandFailed(
    exitCode.usage,
    `--speed must be a number up to ${MAX_SPEED}, or max, not ${speed}`,
  );
}

/** In words, after a comma. */
export function paceText(pace: Pace): string {
  if (pace.kind === "rate") return `${pace.eventsPerSecond} events/s`;
  if (pace.speed === Number.POSITIVE_INFINITY) return "as fast as they are taken";
  return pace.speed === 1 ? "in real time" : `${pace.speed} times as fast as in real time`;
}
