import type { Loaded } from "./load.ts";

/** A line for the log for each setting that is accepted but has no effect yet. */
export function notYet({ settings }: Pick<Loaded, "settings">): readonly string[] {
  if (settings.jwksUrl === null) return [];
  return ["jwks-url comes with a later version: until then every user's token is refused"];
}
