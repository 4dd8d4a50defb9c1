import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** Every answer names its request in it. */
export const REQUEST_ID_HEADER = "x-request-id";

/** What a client says is taken over into the log as it is, so it must be harmless there. */
const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;

/** As the client names it, or a new one. */
export function requestIdOf({ headers }: Pick<IncomingMessage, "headers">): string {
  const asked = headers[REQUEST_ID_HEADER];
  return typeof asked === "string" && REQUEST_ID.test(asked) ? asked : randomUUID();
}
