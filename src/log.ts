import { type Logger, pino } from "pino";
import pretty from "pino-pretty";
import { type Settings, settingKeys, settingOf } from "./config/schema.ts";
import { createRedactor } from "./redact.ts";
import { parseRedisUrl } from "./redis/url.ts";

/** Where a log goes; `isTTY` where it is a terminal. */
export interface LogOutput extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
}

/**
 * The log of one process of the hub: JSON lines, or readable ones; always on `stderr`, so that stdout is for the ready
 * line. `processName`, such as `gateway-1`, is in every line. No line holds a secret: the last thing that is done to it
 * is to take out what looks like one, and the secrets of the settings.
 */
export function createLog(settings: Settings, stderr: LogOutput, processName: string): Logger {
  const redact = createRedactor(secretsOf(settings));
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

function secretsOf(settings: Settings): readonly string[] {
  const redisPassword = settings.redis === null ? null : parseRedisUrl(settings.redis).password;
  return settingKeys
    .filter((key) => settingOf(key).secret === true)
    .flatMap((key) => settings[key])
    .concat(redisPassword)
    .filter((value) => typeof value === "string");
}
