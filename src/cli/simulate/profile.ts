import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type Profile, ProfileError, parseProfile } from "../../../simulator/profile.ts";
import { PROFILES, type ProfileName, profileJson } from "../../../simulator/profiles.ts";
import { nearest } from "../../config/errors.ts";
import { codeOf } from "../../config/sources.ts";
import { CommandFailed, exitCode } from "../exit-codes.ts";
import type { Host } from "../host.ts";
import { wholeNumber } from "../options.ts";

export interface ProfileOptions {
  readonly profile: string;
  readonly users?: string;
  readonly jobs?: string;
  readonly photos?: string;
}

const MAX_USERS = 100_000;
const MAX_JOBS = 1_000_000;
const MAX_PHOTOS = 10_000;

/** The one named, by its name or its file, with what other flags change of it. */
export async function profileOf(host: Host, options: ProfileOptions): Promise<Profile> {
  const json = await jsonOf(host, options.profile);
  const profile = parsed(json, options.profile);
  const { users, jobs, photos } = options;
  return {
    ...profile,
    users: users === undefined ? profile.users : wholeNumber("--users", users, 1, MAX_USERS),
    jobs:
      jobs === undefined
        ? profile.jobs
        : { ...profile.jobs, perUser: wholeNumber("--jobs", jobs, 1, MAX_JOBS) },
    photos:
      photos === undefined
        ? profile.photos
        : { ...profile.photos, count: always(wholeNumber("--photos", photos, 0, MAX_PHOTOS)) },
  };
}

/** A file as it is, to be copied and changed. */
export async function jsonOf(host: Host, name: string): Promise<string> {
  const builtIn = PROFILES.find((one) => one === name);
  if (builtIn !== undefined) return profileJson(builtIn);
  const isPath = /[./\\]/.test(name);
  if (!isPath) throw new CommandFailed(exitCode.usage, unknown(name));
  try {
    return await readFile(resolve(host.cwd, name), "utf8");
  } catch (error) {
    throw new CommandFailed(exitCode.usage, `--profile ${name} can't be read (${codeOf(error)})`);
  }
}

function parsed(json: string, name: string): Profile {
  try {
    return parseProfile(json);
  } catch (error) {
    if (!(error instanceof ProfileError)) throw error;
    const lines = error.message.split("\n").map((line) => `--profile ${name}: ${line}`);
    const remedy = "docs/simulate.md has every key, and --print-profile realistic prints an example";
    throw new CommandFailed(exitCode.usage, `${lines.join("\n")}; ${remedy}`);
  }
}

function always(median: number): Profile["photos"]["count"] {
  return { median, spread: 0, min: undefined, max: undefined };
}

function unknown(name: string): string {
  const near = nearest(name, PROFILES);
  const known = near === null ? `there are ${PROFILES.join(", ")}` : `did you mean ${near}?`;
  return `--profile ${name} is unknown; ${known}, or a file such as ./mine.json`;
}

export function profileLines(): string {
  const line = (name: ProfileName): string => `  ${name.padEnd(11)}${parseProfile(profileJson(name)).about}`;
  return PROFILES.map(line).join("\n");
}
