/** Stands where nothing is known yet. */
export const UNKNOWN = "–";

export function numberText(value: number): string {
  return value.toLocaleString("en", { maximumFractionDigits: 0 });
}

/** Of so many a second: one digit below ten, so that a few are not none. */
export function rateText(perSecond: number): string {
  return perSecond > 0 && perSecond < 9.95 ? perSecond.toFixed(1) : numberText(perSecond);
}

/** `0.4 ms`, `23 ms`, `1.2 s`. */
export function ageText(seconds: number): string {
  const ms = seconds * 1_000;
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  return ms < 999.5 ? `${Math.round(ms)} ms` : `${seconds.toFixed(1)} s`;
}

/** Of a share between 0 and 1, or of cores. */
export function shareText(share: number): string {
  const percent = share * 100;
  return `${percent > 0 && percent < 9.95 ? percent.toFixed(1) : Math.round(percent)} %`;
}

/** `42 s`, `3 min`, `5 h 10 min`, `12 d 4 h`. */
export function uptimeText(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (minutes < 1) return `${Math.floor(seconds)} s`;
  if (hours < 1) return `${minutes} min`;
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const CLOCK = new Intl.DateTimeFormat("en", {
  ...{ hour: "2-digit", minute: "2-digit", second: "2-digit" },
  hourCycle: "h23",
});

/** `23:04:11`, of the viewer's own time zone. */
export function clockText(unixMs: number): string {
  return CLOCK.format(unixMs);
}

export function orUnknown<Value>(value: Value | null, text: (value: Value) => string): string {
  return value === null ? UNKNOWN : text(value);
}
