import { ZodError } from "zod";
import { messageOf } from "../src/message-of.ts";
import { type BenchResult, parseResult, RESULT_VERSION } from "./result.ts";

/** A file holds no result that can be read; the message says why, to go after the file's name. */
export class UnreadableResult extends Error {
  override readonly name = "UnreadableResult";
}

/** What `--json` has written. Throws an `UnreadableResult`. */
export function parseResultFile(json: string): BenchResult {
  const version = versionOf(json);
  if (version !== RESULT_VERSION) {
    const is = version === null ? "is no result of bench --json" : `is a result of version ${version}`;
    throw new UnreadableResult(`${is}; this progress-hub reads version ${RESULT_VERSION}`);
  }
  try {
    return parseResult(json);
  } catch (error) {
    if (!(error instanceof ZodError)) throw error;
    const { path = [], message = "" } = error.issues[0] ?? {};
    throw new UnreadableResult(`is no result of bench --json: ${path.join(".")}: ${message}`);
  }
}

/** Null: it has none. */
function versionOf(json: string): number | null {
  const parsed = parsedJson(json);
  if (typeof parsed !== "object" || parsed === null || !("version" in parsed)) return null;
  return typeof parsed.version === "number" ? parsed.version : null;
}

function parsedJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new UnreadableResult(`is no JSON: ${messageOf(error)}`);
  }
}
