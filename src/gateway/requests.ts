import type { IncomingMessage } from "node:http";
import { HubError } from "../errors.ts";

/** Job ids as events have them (contract, "Events in"). */
const JOB_ID = /^[A-Za-z0-9._:@-]{1,128}$/;
const EVENT_ID = /^[a-z0-9]{1,64}-(0|[1-9][0-9]{0,15})$/;

/** A URL of a request, parsed once. */
export interface Target {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** Throws HubError `bad_request` for a request line that holds no path. */
export function targetOf(request: IncomingMessage): Target {
  const line = request.url ?? "/";
  const url = `http://hub${line.startsWith("/") ? line : `/${line}`}`;
  if (!URL.canParse(url)) throw new HubError("bad_request", "The request line can't be parsed.");
  const { pathname, searchParams } = new URL(url);
  return { path: pathname, query: searchParams };
}

/** The job a client asks for; null: all of its user. Throws HubError `bad_request` for what can't be a job id. */
export function jobIdOf(value: unknown): string | null {
  if (value === null || value === undefined || value === "") return null;
  if (typeof value !== "string" || !JOB_ID.test(value)) {
    throw new HubError("bad_request", "jobId: 1 to 128 characters of A-Z a-z 0-9 . _ : @ -");
  }
  return value;
}

export function isJobId(value: string): boolean {
  return JOB_ID.test(value);
}

/** A malformed id counts as none: null. */
export function lastEventIdOf(value: unknown): string | null {
  return typeof value === "string" && EVENT_ID.test(value) ? value : null;
}

/** `Last-Event-ID` over `?lastEventId=`. A malformed header counts as none. */
export function requestedEventId(request: IncomingMessage, query: URLSearchParams): string | null {
  const header = request.headers["last-event-id"];
  return lastEventIdOf(header) ?? lastEventIdOf(query.get("lastEventId"));
}

/** The number in a well-formed id. */
export function seqOf(eventId: string): number {
  return Number(eventId.slice(eventId.lastIndexOf("-") + 1));
}
