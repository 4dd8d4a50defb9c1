/**
 * The catalogue of everything the hub refuses: one entry a code, used by every listener, transport and command.
 * `status` is the HTTP status (null: never an HTTP answer of its own), `closeCode` the WebSocket close code
 * (null: never closes a connection), `retryable` tells a client whether coming back unchanged can succeed.
 */
interface ErrorEntry {
  readonly status: number | null;
  readonly closeCode: number | null;
  readonly retryable: boolean;
  readonly title: string;
  readonly hint: string;
}

export const errorCatalogue = {
  // One event of a batch
  invalid_field: entry(
    422,
    null,
    false,
    "A field of the event is invalid",
    "See `message` for the field and its rule.",
  ),
  unknown_type: entry(
    422,
    null,
    false,
    "The event type is unknown",
    "Use one of the types of the events table.",
  ),
  owner_mismatch: entry(
    422,
    null,
    false,
    "The job belongs to another user",
    "A job id is bound to the first user named for it.",
  ),
  owner_unknown: entry(
    422,
    null,
    true,
    "Nobody has said whose job this is",
    "Send `userId`, or announce the job first.",
  ),
  too_many_photos: entry(
    422,
    null,
    false,
    "The job has too many photos",
    "Raise --max-photos-per-job or split the job.",
  ),
  too_many_jobs: entry(
    422,
    null,
    false,
    "The user has too many jobs in flight",
    "Raise --max-jobs-per-user or end jobs.",
  ),
  // Whole requests
  malformed_json: entry(
    400,
    null,
    false,
    "The body is not what its content type says",
    "Send valid CloudEvents JSON.",
  ),
  bad_request: entry(400, null, false, "The request can't be understood", "See `detail`."),
  transport_disabled: entry(
    400,
    null,
    false,
    "This Socket.IO transport is switched off",
    'Connect with transports: ["websocket"].',
  ),
  unauthorized: entry(
    401,
    null,
    false,
    "The secret is missing or wrong",
    "Send Authorization: Bearer <ingest-token>, or <admin-token> to the admin routes.",
  ),
  token_missing: entry(
    401,
    null,
    false,
    "No token was sent",
    "Send a JWT as Authorization: Bearer, auth.token or ?access_token=.",
  ),
  token_invalid: entry(
    401,
    null,
    false,
    "The token can't be accepted",
    "Check its signature, algorithm, issuer, audience and subject.",
  ),
  token_expired: entry(401, 4401, false, "The token has expired", "Fetch a fresh token and connect again."),
  token_revoked: entry(401, 4401, false, "The token was revoked", "Sign in again."),
  disconnected: entry(
    401,
    4401,
    false,
    "An operator ended the user's connections",
    "Fetch a fresh token and connect again.",
  ),
  origin_not_allowed: entry(403, null, false, "This origin may not connect", "Add it to --cors-origins."),
  not_found: entry(404, null, false, "There is nothing here", "See the documentation for the paths."),
  job_not_found: entry(
    404,
    null,
    false,
    "There is no such job",
    "Check the id, or wait until the job is announced.",
  ),
  method_not_allowed: entry(405, null, false, "The method is not allowed here", "See the Allow header."),
  body_too_large: entry(
    413,
    null,
    false,
    "The body is too large",
    "Send smaller batches or raise --max-body.",
  ),
  batch_too_large: entry(
    413,
    null,
    false,
    "The batch has too many events",
    "Send smaller batches or raise --max-batch.",
  ),
  unsupported_media_type: entry(
    415,
    null,
    false,
    "The content type is not supported",
    "Send application/cloudevents+json or application/cloudevents-batch+json.",
  ),
  rate_limited: entry(429, null, true, "Too many requests", "Wait for Retry-After."),
  draining: entry(503, 1012, true, "The hub is restarting", "Come back after Retry-After."),
  overloaded: entry(503, 1013, true, "The hub is at its limit", "Come back after Retry-After."),
  not_linked: entry(
    503,
    null,
    true,
    "Core and gateways are not joined",
    "Processes may be restarting; else look into the log.",
  ),
  store_unavailable: entry(
    503,
    null,
    true,
    "The store can't be reached",
    "Send everything again after Retry-After; events are idempotent.",
  ),
  internal_error: entry(500, 1011, true, "The hub failed", "Look into its log."),
  // A backend's publisher only
  not_delivered: entry(
    null,
    null,
    true,
    "The event did not reach the hub",
    "Check the publisher's URL and that the hub runs; events are idempotent and may be published again.",
  ),
  // Connections only
  bad_frame: entry(
    null,
    4400,
    false,
    "The client sent a frame that isn't in the protocol",
    "Send only refresh frames.",
  ),
  too_slow: entry(
    null,
    4408,
    true,
    "The connection took too long to read",
    "Connect again with the last id.",
  ),
  replaced: entry(
    null,
    4429,
    false,
    "A newer connection of the same user took this place",
    "Close unused tabs.",
  ),
  frame_too_large: entry(null, 1009, false, "The client frame is over 4 KiB", "Send only refresh frames."),
  connect_timeout: entry(
    408,
    null,
    true,
    "The client did not say who it is in time",
    "Send the token in the handshake.",
  ),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorCatalogue;

/** An error with a code of the catalogue. `message` is the detail shown to the caller, free of secrets. */
export class HubError extends Error {
  override readonly name = "HubError";
  readonly code: ErrorCode;
  /** Seconds for `Retry-After`; null: none. */
  readonly retryAfterSeconds: number | null;

  constructor(code: ErrorCode, message?: string, retryAfterSeconds: number | null = null) {
    super(message ?? errorCatalogue[code].title);
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

function entry(
  status: number | null,
  closeCode: number | null,
  retryable: boolean,
  title: string,
  hint: string,
): ErrorEntry {
  return { status, closeCode, retryable, title, hint };
}
