import { styleText } from "node:util";

const segmenter = new Intl.Segmenter();
const WIDE =
  /^[\p{Emoji_Presentation}\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\uFF01-\uFF60\uFFE0-\uFFE6]/u;
const ZERO = /^[\p{Mark}\p{Cf}]+$/u;
/** Names come from uploaders: escape sequences and text direction overrides must not reach the terminal. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu;

export type Style = Parameters<typeof styleText>[0];

/** Text of others, safe to print: unprintable characters become `?`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, "?");
}

/** Exactly `width` columns: cut with an ellipsis, or padded with spaces. */
export function inColumns(text: string, width: number): string {
  let used = 0;
  let kept = "";
  // One column is kept free for the ellipsis until it is known that none is needed.
  let beforeLast = { text: "", used: 0 };
  for (const { segment } of segmenter.segment(text)) {
    const columns = columnsOf(segment);
    if (used + columns > width)
      return `${beforeLast.text}…${" ".repeat(Math.max(0, width - beforeLast.used - 1))}`.slice(
        0,
        width === 0 ? 0 : undefined,
      );
    kept += segment;
    used += columns;
    if (used <= width - 1) beforeLast = { text: kept, used };
  }
  return kept + " ".repeat(width - used);
}

/** How many columns the text takes on a terminal; styles must be taken off before. */
export function widthOf(text: string): number {
  let columns = 0;
  for (const { segment } of segmenter.segment(text)) columns += columnsOf(segment);
  return columns;
}

export function styled(text: string, style: Style, color: boolean): string {
  return color ? styleText(style, text, { validateStream: false }) : text;
}

/** A bar of so many columns, filled to a share of 0 to 1, to half a column. */
export function barText(share: number, columns: number, style: Style, color: boolean): string {
  const halves = Math.floor(share * columns * 2);
  const filled = "━".repeat(Math.floor(halves / 2)) + (halves % 2 === 1 ? "╸" : "");
  return styled(filled, style, color) + styled("─".repeat(columns - filled.length), "gray", color);
}

/** `3.8 MB`; decimal, one digit from 1 MB on. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  const exponent = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1_000 ** exponent;
  return `${exponent < 2 ? Math.round(value) : value.toFixed(1)} ${units[exponent]}`;
}

/** `0:42`, `1:05:09`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3_600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number): string => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** ` 45.5 %`, always seven columns; `    ? %` when unknown. */
export function formatPercent(progress: number | null): string {
  return `${progress === null ? "?" : progress.toFixed(1)} %`.padStart(7);
}

function columnsOf(segment: string): number {
  if (ZERO.test(segment)) return 0;
  return WIDE.test(segment) ? 2 : 1;
}
