/** Where a value is on an axis, 0 at its beginning and 1 at its end, and what is written beside it. */
export interface Axis {
  at(value: number): number;
  readonly ticks: readonly (readonly [value: number, label: string])[];
}

/** With more, only the powers of ten are named. */
const MAX_LOG_TICKS = 8;
const STEPS = [1, 2, 2.5, 5, 10];

/** From zero to at least `max`, with about so many round steps. */
export function linearAxis(max: number, wantedSteps = 4): Axis {
  const rough = (max > 0 ? max : 1) / wantedSteps;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = magnitude * (STEPS.find((one) => one * magnitude >= rough) ?? 10);
  const count = Math.max(1, Math.ceil(max / step - 1e-9));
  return {
    at: (value) => value / (step * count),
    ticks: Array.from({ length: count + 1 }, (_, index) => [index * step, shortNumber(index * step)]),
  };
}

/** Logarithmic, from just under `min` to just over `max`, both above zero. */
export function logAxis(min: number, max: number): Axis {
  const first = Math.log10(min) - 0.06;
  const last = Math.max(first + 1, Math.log10(max) + 0.08);
  const decades = Array.from({ length: Math.floor(last) - Math.floor(first) + 1 }, (_, index) => {
    return 10 ** (Math.floor(first) + index);
  });
  const within = (value: number): boolean => Math.log10(value) >= first && Math.log10(value) <= last;
  const fine = decades.flatMap((decade) => [decade, 2 * decade, 5 * decade]).filter(within);
  const ticks = fine.length <= MAX_LOG_TICKS ? fine : decades.filter(within);
  return {
    at: (value) => (value <= 0 ? 0 : Math.max(0, (Math.log10(value) - first) / (last - first))),
    ticks: ticks.map((value) => [value, shortNumber(value)]),
  };
}

const PERCENTILES = [50, 90, 99, 99.9, 99.99, 99.999, 99.9999];

/** Each nine takes as much room as the one before; the end, 100, is a third of one beyond the last percentile shown. */
export function percentileAxis(lastPercentile: number): Axis {
  const end = Math.max(2, nines(lastPercentile)) + 1 / 3;
  return {
    at: (percentile) => Math.min(1, nines(percentile) / end),
    ticks: PERCENTILES.filter((one) => nines(one) < end - 0.2).map((one) => [one, `${one} %`]),
  };
}

/** `250`, `2.5k`, `1.5M` */
function shortNumber(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toFixed(1))}M`;
  if (value >= 1e3) return `${Number((value / 1e3).toFixed(1))}k`;
  return String(Number(value.toPrecision(3)));
}

function nines(percentile: number): number {
  return percentile >= 100 ? Number.POSITIVE_INFINITY : -Math.log10(1 - percentile / 100);
}
