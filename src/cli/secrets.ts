import { ConfigError } from "../config/errors.ts";
import { readSettings } from "../config/load.ts";
import type { Settings } from "../config/schema.ts";
import type { Host } from "./host.ts";

/** What a command needs that talks to a hub instead of being one; absent: its environment may have it. */
export interface SecretFlags {
  readonly ingestToken?: string;
  readonly jwtSecret?: string;
}

/** The settings, with secrets from flags or the environment; throws a `ConfigError` where one of those named is wrong. */
export function readSecrets(
  host: Host,
  { ingestToken, jwtSecret }: SecretFlags,
  names: readonly (keyof SecretFlags)[],
): Settings {
  const flags = { ingestToken, jwtSecret };
  const { settings, given, valueProblems } = readSettings({ flags, env: host.env, cwd: host.cwd });
  const labels = names.map((name) => given.get(name)?.label);
  const problems = valueProblems.filter(({ origin }) => labels.includes(origin));
  if (problems.length > 0) throw new ConfigError(problems);
  return settings;
}
