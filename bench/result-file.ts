import { ZodError } from "zod";
import { messageOf } from "../src/message-of.ts";
import { type BenchResult, parseResult, RESULT_VERSION } from "./result.ts";
import { parseVsResult, VS_VERSION, type VsResult } from "./vs/result.ts";

/** What `bench --json` has written: of one run, or of `--vs`, which has all runs of both sides. */
export type ResultFile =
  | { readonly kind: "run"; readonly result: BenchResult }
  | { readonly kind: "vs"; readonly result: VsResult };

/** A file holds no result that can be read; the message says why, to go after the file's name. */
export class UnreadableResult extends Error {
  override readonly name = "UnreadableResult";
}

/** Throws an `UnreadableResult`. */
export function parseResultFile(json: string): ResultFile {
  const { kind, version } = markOf(json);
  const known = kind === "vs" ? VS_VERSION : RESULT_VERSION;
  if (version !== known) {
    const is = version === null ? "is no result of bench --json" : `is a result of version ${version}`;
    throw new UnreadableResult(`${is}; this progress-hub reads version ${known}`);
  }
  try {
    return kind === "vs" ? { kind, result: parseVsResult(json) } : { kind: "run", result: parseResult(json) };
  } catch (error) {
    if (!(error instanceof ZodError)) throw error;
    const { path = [], message = "" } = error.issues[0] ?? {};
    throw new UnreadableResult(`is no result of bench --json: ${path.join(".")}: ${message}`);
  }
}

/** Version null: it has none. */
function markOf(json: string): { readonly kind: "run" | "vs"; readonly version: number | null } {
  const parsed = parsedJson(json);
  if (typeof parsed !== "object" || parsed === null) return { kind: "run", version: null };
  return {
    kind: "kind" in parsed && parsed.kind === "vs" ? "vs" : "run",
    version: "version" in parsed && typeof parsed.version === "number" ? parsed.version : null,
  };
}

function parsedJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new UnreadableResult(`is no JSON: ${messageOf(error)}`);
  }
}
