import type { Loaded } from "./load.ts";

/** What a later version brings: one line for the log. `info` where nobody asked for it. */
export interface NotYet {
  readonly level: "warn" | "info";
  readonly line: string;
}

/** Lines for settings that are accepted but have no effect yet. */
export function notYet({ settings, given }: Pick<Loaded, "settings" | "given">): readonly NotYet[] {
  const lines: NotYet[] = [];
  const say = (isAskedFor: boolean, line: string): number =>
    lines.push({ level: isAskedFor ? "warn" : "info", line });

  if (settings.jwksUrl !== null) {
    say(true, "jwks-url comes with a later version: until then every user's token is refused");
  }
  if (settings.ui) say(given.has("ui"), "ui: the pages come with a later version, nothing is served at /");
  return lines;
}
