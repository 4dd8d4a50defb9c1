import { PassThrough } from "node:stream";
import { type Logger, pino } from "pino";

export type LogLine = Readonly<Record<string, unknown>>;

/** A log whose lines so far can be looked at, parsed. */
export function recordedLog(): { readonly log: Logger; lines(): readonly LogLine[] } {
  const output = new PassThrough();
  let text = "";
  output.on("data", (chunk) => {
    text += String(chunk);
  });
  return {
    log: pino({ level: "debug" }, output),
    lines: () => text.split("\n").flatMap((line): LogLine[] => (line === "" ? [] : [JSON.parse(line)])),
  };
}
