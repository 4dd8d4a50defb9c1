import { readFileSync } from "node:fs";
import { z } from "zod";
import type { ConfigProblem } from "./errors.ts";
import { nearest } from "./errors.ts";
import { envOf, flagOf, isSettingKey, type SettingKey, settingKeys } from "./schema.ts";

/** A value as it was written, and where: `label` is what an error message calls the place. */
export interface RawValue {
  readonly value: unknown;
  readonly source: "flag" | "env" | "file";
  readonly label: string;
}

export type RawValues = ReadonlyMap<SettingKey, RawValue>;

interface Gathered {
  readonly values: Map<SettingKey, RawValue>;
  readonly problems: ConfigProblem[];
  readonly warnings: string[];
}

const ENV_PREFIX = "PROGRESS_HUB_";
export const CONFIG_ENV = `${ENV_PREFIX}CONFIG`;

/** What Kubernetes injects for a service named progress-hub (docs: "Accessing the Service", environment variables). */
const KUBERNETES_NAME = /^PROGRESS_HUB_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT_\d+_.*)$/;
const KUBERNETES_PORT = /^(tcp|udp|sctp):\/\//;

/** `flags` has camel-case keys; `undefined` is not given. */
export function gatherFlags(flags: Readonly<Record<string, unknown>>): Gathered {
  const gathered = nothing();
  for (const [key, value] of Object.entries(flags)) {
    if (value === undefined) continue;
    const label = flagOf(key);
    if (isSettingKey(key)) gathered.values.set(key, { value, source: "flag", label });
    else gathered.problems.push(unknownName("flag", label, [...settingKeys.map(flagOf), "--config"]));
  }
  return gathered;
}

/** An empty variable counts as not set: that is what compose files make of an unset one. */
export function gatherEnv(env: Readonly<Record<string, string | undefined>>): Gathered {
  const gathered = nothing();
  const keys = new Map(settingKeys.map((key) => [envOf(key), key]));
  const ignored: string[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(ENV_PREFIX) || name === CONFIG_ENV || value === undefined) continue;
    const key = keys.get(name);
    if (KUBERNETES_NAME.test(name) || (key === "port" && KUBERNETES_PORT.test(value))) ignored.push(name);
    else if (key === undefined)
      gathered.problems.push(unknownName("variable", name, [...keys.keys(), CONFIG_ENV]));
    else if (value !== "") gathered.values.set(key, { value, source: "env", label: name });
  }
  if (ignored.length > 0) {
    gathered.warnings.push(
      `ignored ${ignored.sort().join(", ")}: Kubernetes sets them for a service of this name`,
    );
  }
  return gathered;
}

/** Reads the JSON file named by `--config`. */
export function gatherFile(path: string, label: string): Gathered {
  const gathered = nothing();
  const content = parseJson(path, label, gathered.problems);
  for (const [key, value] of Object.entries(content)) {
    const place = `${path}: ${key}`;
    if (value === null) continue;
    if (isSettingKey(key)) gathered.values.set(key, { value, source: "file", label: place });
    else gathered.problems.push(unknownName("key", place, settingKeys, key));
  }
  return gathered;
}

function parseJson(path: string, label: string, problems: ConfigProblem[]): object {
  const refuse = (problem: string, remedy: string) => {
    problems.push({ origin: `${label} ${path}`, problem, remedy, fatal: true });
    return {};
  };
  let content: string;
  try {
    content = readFileSync(path, "utf8");
  } catch (error) {
    return refuse(`can't be read (${codeOf(error)})`, "check the path and its permissions");
  }
  try {
    const parsed: unknown = JSON.parse(content);
    const isObject = typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
    return isObject ? parsed : refuse("is not a JSON object", 'write {"port": 8080, ...}');
  } catch (error) {
    return refuse(`is not JSON${placeOf(error, content)}`, "mend the file");
  }
}

/** Where JSON.parse stopped. Never its message: that quotes the file, and with it perhaps a secret. */
function placeOf(error: unknown, content: string): string {
  const position = /at position (\d+)/.exec(String(error))?.[1];
  return position === undefined ? "" : ` (line ${content.slice(0, Number(position)).split("\n").length})`;
}

/** The `code` of a Node system error, such as ENOENT. */
export function codeOf(error: unknown): string {
  const parsed = z.object({ code: z.string() }).safeParse(error);
  return parsed.success ? parsed.data.code : String(error);
}

function unknownName(what: string, origin: string, known: readonly string[], name = origin): ConfigProblem {
  const near = nearest(name, known);
  return {
    origin,
    problem: `is an unknown ${what}`,
    remedy: near === null ? "`progress-hub config docs` lists all settings" : `did you mean ${near}?`,
  };
}

function nothing(): Gathered {
  return { values: new Map(), problems: [], warnings: [] };
}
