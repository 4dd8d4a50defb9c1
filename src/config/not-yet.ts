import { ConfigError } from "./errors.ts";
import type { Loaded } from "./load.ts";

/** What a later version brings: one line for the log. `info` where nobody asked for it. */
export interface NotYet {
  readonly level: "warn" | "info";
  readonly line: string;
}

/**
 * Lines for settings that are accepted but have no effect yet; `cores` are those of the machine. Throws a `ConfigError`
 * for what nothing works without.
 */
export function notYet(
  { settings, given }: Pick<Loaded, "settings" | "given">,
  cores: number,
): readonly NotYet[] {
  const lines: NotYet[] = [];
  const warn = (line: string): number => lines.push({ level: "warn", line });
  if (settings.jwksUrl !== null) {
    const origin = given.get("jwksUrl")?.label ?? "--jwks-url";
    const remedy = "set --jwt-public-key or --jwt-secret until then";
    throw new ConfigError([{ origin, problem: "comes with a later version", remedy }]);
  }
  const gateways = settings.workers === "auto" ? cores - 1 : settings.workers;
  if (gateways > 0) {
    const line = "more than one process comes with a later version: runs as --workers 0";
    lines.push({ level: given.has("workers") ? "warn" : "info", line });
  }
  const inMemory = "comes with a later version: state lives in memory until then, and ends with the process";
  if (given.has("redis")) warn(`redis ${inMemory}`);
  if (given.has("redisStream"))
    warn("redis-stream comes with a later version: events are taken by HTTP only");
  if (given.has("dataDir")) warn(`data-dir ${inMemory}`);
  if (given.has("durability") && settings.durability !== "none")
    warn(`durability ${settings.durability} ${inMemory}`);
  if (given.has("ui") && settings.ui) warn("ui: the pages come with a later version");
  if (given.has("adminToken")) warn("admin-token: the admin routes come with a later version");
  return lines;
}
