import { readFileSync } from "node:fs";
import { type Profile, parseProfile } from "./profile.ts";

/** Those that come along, each a file that may be copied and changed. */
export const PROFILES = ["demo", "realistic", "burst", "bulk", "tiny", "hostile", "rate"] as const;
export type ProfileName = (typeof PROFILES)[number];

/** The file as it is. */
export function profileJson(name: ProfileName): string {
  return readFileSync(new URL(`./profiles/${name}.json`, import.meta.url), "utf8");
}

export function builtInProfile(name: ProfileName): Profile {
  return parseProfile(profileJson(name));
}
