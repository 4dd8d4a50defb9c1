import { type Logger, pino } from "pino";
import pretty from "pino-pretty";
import type { Settings } from "./config/schema.ts";
import { createRedactor } from "./redact.ts";

/** Where a log goes; `isTTY` where it is a terminal. */
interface LogOutput extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
}

export interface LogOptions {
  readonly settings: Pick<Settings, "logLevel" | "logFormat">;
  /** Of the settings, which are taken out of every line. */
  readonly secrets: readonly string[];
  readonly stderr: LogOutput;
  /** In every line: `gateway-1`. */
  readonly processName: string;
}

/**
 * The log of one process of the hub: JSON lines, or readable ones; always on `stderr`, so that stdout is for the ready
 * line. No line holds a secret: the last thing that is done to it is to take out what looks like one, and those that are
 * known.
 */
export function createLog({ settings, secrets, stderr, processName }: LogOptions): Logger {
  const redact = createRedactor(secrets);
  const options = {
    level: settings.logLevel,
    base: { pid: process.pid, process: processName },
    hooks: { streamWrite: redact },
  };
  if (settings.logFormat === "json") return pino(options, stderr);
  return pino(
    options,
    pretty({
      destination: stderr,
      colorize: stderr.isTTY === true,
      ignore: "pid,process",
      customPrettifiers: {
        level: (_level, _key, _log, { labelColorized }) => `${labelColorized} ${processName}`,
      },
      singleLine: true,
      translateTime: "HH:MM:ss.l",
    }),
  );
}
