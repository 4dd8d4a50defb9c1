import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { z } from "zod";
import { ConfigError, type ConfigProblem } from "./errors.ts";
import { checkRules } from "./rules.ts";
import { type SettingKey, type Settings, schema, settingKeys, settingOf } from "./schema.ts";
import {
  CONFIG_ENV,
  codeOf,
  gatherEnv,
  gatherFile,
  gatherFlags,
  type RawValue,
  type RawValues,
} from "./sources.ts";

export interface SettingSources {
  /** By camel-case key, as given on the command line; `undefined` is not given. */
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The JSON file of `--config`; without it, the one `PROGRESS_HUB_CONFIG` names, if any. */
  readonly file?: string | undefined;
  /** Paths are relative to it. Default: that of the process. */
  readonly cwd?: string;
  /** The log is read on a terminal: `logFormat` is pretty unless said otherwise. */
  readonly terminal?: boolean;
}

/** Where an effective value came from: the label of its source, `--dev`, or `default`. */
type Origins = Readonly<Record<SettingKey, string>>;

export interface Loaded {
  readonly settings: Settings;
  readonly origins: Origins;
  /** Settings the user gave, and where. */
  readonly given: RawValues;
  readonly warnings: readonly string[];
}

/** Flag over environment over file over default. Throws a `ConfigError` with all problems at once. */
export function loadSettings(sources: SettingSources): Loaded {
  const { problems, valueProblems: _, ...loaded } = readSettings(sources);
  if (problems.length > 0) throw new ConfigError(problems);
  return loaded;
}

export interface Read extends Loaded {
  readonly problems: readonly ConfigProblem[];
  /** Those of single names and values; the rest of `problems` is what is missing or contradicts itself. */
  readonly valueProblems: readonly ConfigProblem[];
}

/** The same without throwing: what is wrong has its default in `settings`. */
export function readSettings(sources: SettingSources): Read {
  const cwd = sources.cwd ?? process.cwd();
  const env = sources.env ?? {};
  const file = sources.file ?? (env[CONFIG_ENV] || undefined);
  const fileLabel = sources.file === undefined ? CONFIG_ENV : "--config";
  const gathered = [
    ...(file === undefined ? [] : [gatherFile(resolve(cwd, file), fileLabel)]),
    gatherEnv(env),
    gatherFlags(sources.flags ?? {}),
  ];
  const given = new Map(gathered.flatMap(({ values }) => [...values]));
  const problems = gathered.flatMap((one) => one.problems);

  const parsed: Partial<Record<SettingKey, unknown>> = {};
  for (const [key, raw] of given) {
    const value = parse(key, raw, problems, cwd);
    if (value !== undefined) parsed[key] = value;
  }
  // The schema of each key has just made its value, so the whole is what the schemas say.
  const chosen = parsed as Partial<Settings>;
  const settings = complete(chosen, given, sources.terminal ?? false);
  const values = [...problems];
  problems.push(...checkRules(settings, given, problems));
  return {
    settings,
    origins: originsOf(settings, given),
    given,
    problems,
    valueProblems: values,
    warnings: gathered.flatMap((one) => one.warnings),
  };
}

/** Defaults and `overrides`, unchecked: for tests and for embedding. No environment, no files, no `--dev` effects. */
export function settingsFor(overrides: Partial<Settings>): Settings {
  const publicKeys = (overrides.jwtPublicKey?.length ?? 0) > 0 || (overrides.jwksUrl ?? null) !== null;
  const defaults = Object.fromEntries(settingKeys.map((key) => [key, settingOf(key).default]));
  const jwtAlgorithms = publicKeys ? (["RS256", "ES256"] as const) : schema.jwtAlgorithms.default;
  // Every key of the schema is in `defaults`, each with a value of its own type.
  return { ...(defaults as Settings), jwtAlgorithms, ...overrides };
}

function complete(chosen: Partial<Settings>, given: RawValues, terminal: boolean): Settings {
  const pretty = terminal ? ({ logFormat: "pretty" } as const) : {};
  if (chosen.dev !== true) return settingsFor({ ...pretty, ...chosen });
  const ownKeys = given.has("jwtSecret") || given.has("jwtPublicKey") || given.has("jwksUrl");
  return settingsFor({
    ...pretty,
    host: "127.0.0.1",
    ui: true,
    dataDir: null,
    ...(ownKeys ? {} : { jwtSecret: [secret()] }),
    ingestToken: [secret()],
    adminToken: [secret()],
    ...chosen,
  });
}

function parse(key: SettingKey, raw: RawValue, problems: ConfigProblem[], cwd: string): unknown {
  const { kind, holdsFiles, secret, holdsPassword } = settingOf(key);
  const isQuoted = secret !== true && holdsPassword !== true;
  const result = kind.schema.safeParse(raw.value);
  if (!result.success) {
    // An issue inside a list or union may repeat the same rule for each item.
    for (const rule of new Set(result.error.issues.map((issue) => issue.message))) {
      problems.push({
        origin: raw.label,
        problem: `${rule}${isQuoted ? shown(raw.value) : ""}`,
        remedy: null,
      });
    }
    return undefined;
  }
  return holdsFiles === true ? contentsOf(result.data, raw, problems, cwd) : result.data;
}

const paths = z.union([z.string(), z.array(z.string())]);

function contentsOf(value: unknown, raw: RawValue, problems: ConfigProblem[], cwd: string): unknown {
  const named = paths.parse(value);
  const contents = [named].flat().map((name) => {
    try {
      return readFileSync(resolve(cwd, name), "utf8");
    } catch (error) {
      problems.push({
        origin: raw.label,
        problem: `names ${name}, which can't be read (${codeOf(error)})`,
        remedy: "check the path and its permissions",
      });
      return null;
    }
  });
  if (contents.includes(null)) return undefined;
  return Array.isArray(named) ? contents : contents[0];
}

function shown(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return `, not ${text.length > 60 ? `${text.slice(0, 60)}...` : text || "nothing"}`;
}

const DEV_KEYS: ReadonlySet<SettingKey> = new Set([
  "host",
  "ui",
  "dataDir",
  "jwtSecret",
  "ingestToken",
  "adminToken",
]);

function originsOf(settings: Settings, given: RawValues): Origins {
  const origin = (key: SettingKey): string => {
    const label = given.get(key)?.label;
    if (label !== undefined) return label;
    const differs = settings[key] !== schema[key].default;
    return settings.dev && DEV_KEYS.has(key) && differs ? "--dev" : "default";
  };
  // One entry for each key of the schema.
  return Object.fromEntries(settingKeys.map((key) => [key, origin(key)])) as Origins;
}

function secret(): string {
  return randomBytes(32).toString("base64url");
}
