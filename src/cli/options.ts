import { type Command, Option } from "commander";
import { defaultOf } from "../config/docs.ts";
import { nearest } from "../config/errors.ts";
import type { SettingSources } from "../config/load.ts";
import { flagOf, type SettingKey, settingKeys, settingOf } from "../config/schema.ts";
import { parseDuration } from "../config/units.ts";
import { CommandFailed, exitCode } from "./exit-codes.ts";
import type { Host } from "./host.ts";

/** Adds a flag for each of the settings, and `--config`. Values stay text: the schema checks them all at once. */
export function addSettings(command: Command, keys: readonly SettingKey[] = settingKeys): Command {
  command.addOption(
    new Option("--config <path>", "JSON file with settings; flags and variables win over it"),
  );
  for (const key of keys) {
    const { kind, doc, group } = settingOf(key);
    const standard = defaultOf(key);
    const option = new Option(
      `${flagOf(key)} ${kind.placeholder}`,
      standard === "" ? doc : `${doc} (default: ${standard})`,
    );
    // A bare `--ui` is `--ui on`.
    if (kind.placeholder.startsWith("[")) option.preset("on");
    command.addOption(option.helpGroup(`${group}:`));
  }
  return takesAnything(command);
}

/** Lets unknown flags through to `sourcesOf` or `refuseStray`, which know the nearest name and report all at once. */
export function takesAnything(command: Command): Command {
  return command.allowUnknownOption().allowExcessArguments();
}

/** What a command with settings was given, unknown flags included. `own` are flags that are no settings. */
export function sourcesOf(command: Command, host: Host, own: readonly string[] = []): SettingSources {
  const { config, ...flags } = command.opts<Record<string, unknown>>();
  const { unknownFlags, excess } = stray(command, 0);
  refuseExcess(excess);
  for (const name of own) delete flags[name];
  for (const name of unknownFlags) flags[name] = true;
  return {
    flags,
    env: host.env,
    file: typeof config === "string" ? config : undefined,
    cwd: host.cwd,
    terminal: host.stderr.isTTY === true,
  };
}

/** For commands without settings: throws for unknown flags, naming the nearest, and for arguments too many. */
export function refuseStray(command: Command, operands: number): void {
  const { unknownFlags, excess } = stray(command, operands);
  const known = command.options.map((option) => option.long ?? option.flags);
  const lines = unknownFlags.map((name) => {
    const near = nearest(flagOf(name), known);
    return `${flagOf(name)} is an unknown flag; ${near === null ? "see --help" : `did you mean ${near}?`}`;
  });
  if (lines.length > 0) throw new CommandFailed(exitCode.usage, lines.join("\n"));
  refuseExcess(excess);
}

export function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new CommandFailed(
    exitCode.usage,
    `${name} must be a whole number from ${min} to ${max}, not ${text}`,
  );
}

export function durationMs(name: string, text: string): number {
  const value = parseDuration(text);
  if (value !== null && value > 0) return value;
  throw new CommandFailed(exitCode.usage, `${name} must be a duration such as 20s or 5m, not ${text}`);
}

/** The base of an http(s) address, without a slash at its end. */
export function baseUrl(name: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol))
    return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
  throw new CommandFailed(
    exitCode.usage,
    `${name} must be an address such as http://127.0.0.1:8080, not ${text}`,
  );
}

interface Stray {
  /** In camel case, as commander would have named them. */
  readonly unknownFlags: readonly string[];
  readonly excess: readonly string[];
}

function stray(command: Command, operands: number): Stray {
  const unknownFlags: string[] = [];
  const excess: string[] = [];
  let valueMayFollow = false;
  for (const argument of command.args) {
    if (/^-./.test(argument)) {
      unknownFlags.push(camelCase(argument.replace(/^-+/, "").replace(/=.*$/s, "")));
      valueMayFollow = !argument.includes("=");
      continue;
    }
    if (!valueMayFollow) excess.push(argument);
    valueMayFollow = false;
  }
  return { unknownFlags, excess: excess.slice(operands) };
}

function refuseExcess(excess: readonly string[]): void {
  if (excess.length === 0) return;
  throw new CommandFailed(exitCode.usage, `${excess.join(" ")}: unexpected argument; see --help`);
}

function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
