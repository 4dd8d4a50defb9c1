import type { IncomingMessage } from "node:http";
import { ID_RULE, isId } from "../domain/ids.ts";
import { parseEventId } from "../engine/event-id.ts";
import { HubError } from "../errors.ts";

/** What a request is for, read once. */
export interface Target {
  /** As in the request line, percent-encoded. */
  readonly path: string;
  readonly query: URLSearchParams;
}

/**
 * The target of a request line: path and query, also of an absolute one (RFC 9112 section 3.2.2). Not by `new URL`,
 * which takes the job ids `.` and `..` for steps through folders.
 */
export function targetOf(request: IncomingMessage): Target {
  const line = (request.url ?? "").replace(/^https?:\/\/[^/?#]*/i, "").replace(/#.*$/s, "");
  const mark = line.indexOf("?");
  const path = mark < 0 ? line : line.slice(0, mark);
  return { path: path || "/", query: new URLSearchParams(mark < 0 ? "" : line.slice(mark + 1)) };
}

/** The Socket.IO session a request names, read as engine.io does: the last one, and none where it is empty. */
export function sessionIdIn(query: URLSearchParams): string | null {
  return query.getAll("sid").at(-1) || null;
}

/** The job a client asks for; null: all of its user. Throws HubError `bad_request` for what can't be a job id. */
export function jobIdOf(value: unknown): string | null {
  if (value === null || value === undefined || value === "") return null;
  if (typeof value !== "string" || !isId(value)) throw new HubError("bad_request", `jobId: ${ID_RULE}`);
  return value;
}

/** A malformed id counts as none: null. */
export function lastEventIdOf(value: unknown): string | null {
  return typeof value === "string" && parseEventId(value) !== null ? value : null;
}

/** `Last-Event-ID` over `?lastEventId=`. A malformed header counts as none. */
export function requestedEventId(request: IncomingMessage, query: URLSearchParams): string | null {
  const header = request.headers["last-event-id"];
  return lastEventIdOf(header) ?? lastEventIdOf(query.get("lastEventId"));
}

/** The number in an id; 0, which no message has, for a malformed one. */
export function seqOf(eventId: string): number {
  return parseEventId(eventId)?.seq ?? 0;
}
