/**
 * Writes times as `Date.toISOString` does, of whole milliseconds of Unix time, in a fraction of its time where they come
 * in order: one more of the same millisecond is there already, and most are of the second of the one before.
 */
export function isoTimes(): (unixMs: number) => string {
  const last = { unixMs: Number.NaN, text: "", second: Number.NaN, upToSecond: "" };
  return (unixMs) => {
    if (unixMs === last.unixMs) return last.text;
    const second = Math.floor(unixMs / 1_000);
    if (second !== last.second) {
      last.second = second;
      last.upToSecond = new Date(second * 1_000).toISOString().slice(0, -"000Z".length);
    }
    last.unixMs = unixMs;
    last.text = `${last.upToSecond}${String(Math.floor(unixMs) - second * 1_000).padStart(3, "0")}Z`;
    return last.text;
  };
}
