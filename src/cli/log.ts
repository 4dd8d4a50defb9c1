import { type Logger, pino } from "pino";
import pretty from "pino-pretty";
import type { Settings } from "../config/schema.ts";
import type { Output } from "./host.ts";

/** The log of the hub: JSON lines, or readable ones; always on `stderr`, so that stdout is for the ready line. */
export function createLog(settings: Pick<Settings, "logLevel" | "logFormat">, stderr: Output): Logger {
  const options = { level: settings.logLevel, base: { pid: process.pid } };
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
