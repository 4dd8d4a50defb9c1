import { readdirSync, readFileSync } from "node:fs";

/** Out of these, whatever is read would seem to have ended. */
const SHORTAGES: ReadonlySet<unknown> = new Set(["EMFILE", "ENFILE", "ENOMEM"]);

/** The text of a file of `/proc` or `/sys`; null: there is none, its process has ended, or it is not for us to read. */
export function readProc(path: string): string | null {
  return orNull(() => readFileSync(path, "latin1"));
}

/** The names in a folder of `/proc`; empty where `readProc` has null. */
export function listProc(path: string): readonly string[] {
  return orNull(() => readdirSync(path)) ?? [];
}

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && "code" in error && SHORTAGES.has(error.code)) throw error;
    return null;
  }
}

/** A number at `pattern`'s first group; null: there is none. */
export function numberAt(text: string | null, pattern: RegExp): number | null {
  const [, digits] = pattern.exec(text ?? "") ?? [];
  return digits === undefined ? null : Number(digits);
}
