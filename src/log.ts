import { type Logger, pino } from "pino";
import pretty from "pino-pretty";
import type { Settings } from "./config/schema.ts";

/** Where a log goes; `isTTY` where it is a terminal. */
export interface LogOutput extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
}

/**
 * The log of the hub: JSON lines, or readable ones; always on `stderr`, so that stdout is for the ready line.
 * `bindings`: in every line, such as which process it is of.
 */
export function createLog(
  settings: Pick<Settings, "logLevel" | "logFormat">,
  stderr: LogOutput,
  bindings: Readonly<Record<string, string>> = {},
): Logger {
  const options = { level: settings.logLevel, base: { pid: process.pid, ...bindings } };
  if (settings.logFormat === "json") return pino(options, stderr);
  return pino(
    options,
    pretty({
      destination: stderr,
      colorize: stderr.isTTY === true,
      ignore: "pid",
      translateTime: "HH:MM:ss.l",
    }),
  );
}
