import { HubError } from "../errors.ts";

/** How the system says that nobody listens there, or not any more. */
const GONE_CODES: readonly unknown[] = ["ENOENT", "ECONNREFUSED", "ECONNRESET", "EPIPE"];

/** True: the session's gateway is gone, and with it the session. */
export function isGone(error: Error): boolean {
  return "code" in error && GONE_CODES.includes(error.code);
}

export function noAnswer(): HubError {
  return new HubError("overloaded", "The gateway of this session does not answer.");
}
