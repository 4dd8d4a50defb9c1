import type { IncomingHttpHeaders } from "node:http";
import { isJsonObject, type JsonObject } from "./json.ts";

/** The hooks that say something about progress; every other one is ignored. */
type TusdHookName = "post-create" | "post-receive" | "post-finish" | "post-terminate";

export interface TusdHook {
  readonly name: TusdHookName;
  readonly uploadId: string;
  /** tusd's own object, unchecked: ID, Size, SizeIsDeferred, Offset, IsPartial, MetaData. */
  readonly upload: JsonObject;
  readonly metaData: JsonObject;
  /** `Authorization` of the uploader's request as tusd tells it in the body; null: not told. */
  readonly uploaderAuthorization: string | null;
}

/**
 * Reads a hook of tusd 2 (`{Type, Event: {Upload, HTTPRequest}}`) or tusd 1 (`Hook-Name` header, `{Upload,
 * HTTPRequest}`). null: nothing to do, as with every `pre-*` hook, unknown hooks, and partial uploads, whose bytes
 * are told again by the final one. "malformed": a hook of ours without an upload.
 */
export function readTusdHook(body: unknown, headers: IncomingHttpHeaders): TusdHook | null | "malformed" {
  if (!isJsonObject(body)) return null;
  const name = hookName(body.Type ?? headers["hook-name"]);
  if (name === null) return null;
  const event = isJsonObject(body.Event) ? body.Event : body;
  const upload = event.Upload;
  if (!isJsonObject(upload) || typeof upload.ID !== "string" || upload.ID === "") return "malformed";
  if (upload.IsPartial === true) return null;
  return {
    name,
    uploadId: upload.ID,
    upload,
    metaData: isJsonObject(upload.MetaData) ? upload.MetaData : {},
    uploaderAuthorization: authorizationOf(event.HTTPRequest),
  };
}

function hookName(value: unknown): TusdHookName | null {
  switch (value) {
    case "post-create":
    case "post-receive":
    case "post-finish":
    case "post-terminate":
      return value;
    default:
      return null;
  }
}

/** Go writes a header as `{"Authorization": ["Bearer ..."]}`. */
function authorizationOf(request: unknown): string | null {
  if (!isJsonObject(request) || !isJsonObject(request.Header)) return null;
  for (const [name, value] of Object.entries(request.Header)) {
    if (name.toLowerCase() !== "authorization") continue;
    const first: unknown = Array.isArray(value) ? value[0] : value;
    if (typeof first === "string") return first;
  }
  return null;
}
