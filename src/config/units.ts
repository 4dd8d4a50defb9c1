const DURATION_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SIZE_BYTES = {
  B: 1,
  KB: 1_000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KiB: 1_024,
  MiB: 1_048_576,
  GiB: 1_073_741_824,
} as const;

const NUMBER_WITH_UNIT = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/;

/** `100ms 30s 5m 24h 7d`, or `0`. Gives whole milliseconds; null: not a duration. */
export function parseDuration(text: string): number | null {
  return parse(text, DURATION_MS, (unit) => unit.toLowerCase());
}

/** `65536B 256KiB 4MiB 1GiB` (binary) or `KB MB GB` (decimal), or `0`. Gives whole bytes; null: not a size. */
export function parseSize(text: string): number | null {
  return parse(text, SIZE_BYTES, (unit) => unit);
}

/** The shortest exact way to write it: `80ms`, `1m`, `0`. */
export function formatDuration(ms: number): string {
  return format(ms, DURATION_MS);
}

/** The shortest exact binary way to write it: `64KiB`, `1000B`, `0`. */
export function formatSize(bytes: number): string {
  const { B, KiB, MiB, GiB } = SIZE_BYTES;
  return format(bytes, { B, KiB, MiB, GiB });
}

function parse(
  text: string,
  units: Record<string, number>,
  unitName: (unit: string) => string,
): number | null {
  const trimmed = text.trim();
  if (trimmed === "0") return 0;
  const match = NUMBER_WITH_UNIT.exec(trimmed);
  if (match === null) return null;
  const factor = new Map(Object.entries(units)).get(unitName(match[2] ?? ""));
  if (factor === undefined) return null;
  const value = Number(match[1]) * factor;
  return Number.isSafeInteger(Math.round(value)) ? Math.round(value) : null;
}

function format(value: number, units: Record<string, number>): string {
  if (value === 0) return "0";
  const exact = Object.entries(units).filter(([, factor]) => value % factor === 0);
  const [unit, factor] = exact.at(-1) ?? ["", 1];
  return `${value / factor}${unit}`;
}
