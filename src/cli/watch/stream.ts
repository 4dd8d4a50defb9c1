import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { type Backoff, fullJitterMs } from "../../backoff.ts";
import { CommandFailed, exitCode } from "../exit-codes.ts";
import { type Ending, openSocket, type Target } from "./socket.ts";

export interface StreamEvents {
  /** A connection is open; its first batch comes next. */
  opened(): void;
  /** One frame, exactly as received. True: nothing more is wanted. */
  frame(text: string): boolean;
  /** The connection is gone and comes back in `afterMs`. */
  waiting(afterMs: number, reason: string): void;
}

/** Where and how a connection resumes: what of a frame the stream itself needs. */
const cursor = z.object({
  type: z.string(),
  id: z.string().nullish(),
  afterMs: z.number().min(0).optional(),
});

const backoff: Backoff = { minMs: 500, maxMs: 10_000 };

/** Close codes after which coming back unchanged is pointless (contract.md, "Errors"). */
const FATAL_CLOSES: Readonly<Record<number, string>> = {
  1009: "the hub refused a frame as too large",
  4400: "the hub refused a frame as not in the protocol",
  4401: "the token has expired or was revoked; take a fresh one",
  4429: "a newer connection of the same user took this place; close another one",
};

/**
 * Follows a user's messages over native WebSocket until `events.frame` says it is enough or `signal` aborts; comes back
 * by the last id. Throws `CommandFailed`: unreachable at the very first try, or refused for good.
 */
export async function followStream(target: Target, events: StreamEvents, signal: AbortSignal): Promise<void> {
  let lastEventId: string | null = null;
  let reached = false;
  let attempt = 0;
  while (!signal.aborted) {
    let afterMs: number | null = null;
    const ending: Ending = await openSocket(
      { ...target, lastEventId },
      {
        opened: () => {
          reached = true;
          events.opened();
        },
        frame: (text) => {
          const seen = readCursor(text);
          if (seen.type === "synced") attempt = 0;
          if (seen.type === "reconnect") afterMs = seen.afterMs ?? null;
          lastEventId = seen.id ?? lastEventId;
          return events.frame(text);
        },
      },
      signal,
    );
    if (ending.kind === "enough" || signal.aborted) return;
    refuseFatal(ending, target, reached);
    reached = true;
    const delayMs: number =
      afterMs ??
      (ending.kind === "refused" ? ending.retryAfterMs : null) ??
      fullJitterMs(attempt + 1, backoff, Math.random());
    attempt += 1;
    events.waiting(delayMs, ending.reason);
    await wait(delayMs, undefined, { signal }).catch(() => undefined);
  }
}

function refuseFatal(ending: Ending, target: Target, reached: boolean): void {
  if (ending.kind === "unreachable" && !reached) {
    const message = `can't reach ${target.url} (${ending.reason}); is the hub running, and is --url right?`;
    throw new CommandFailed(exitCode.unreachable, message);
  }
  if (ending.kind === "refused" && !ending.retryable) {
    const remedy =
      ending.status === 401 ? "mint another token with `progress-hub token`" : "check --url and --token";
    throw new CommandFailed(exitCode.failed, `the hub refused the connection: ${ending.reason}; ${remedy}`);
  }
  const fatal = ending.kind === "closed" ? FATAL_CLOSES[ending.code] : undefined;
  if (fatal !== undefined) throw new CommandFailed(exitCode.failed, `disconnected for good: ${fatal}`);
}

function readCursor(text: string): z.infer<typeof cursor> {
  try {
    return cursor.safeParse(JSON.parse(text)).data ?? { type: "" };
  } catch {
    return { type: "" };
  }
}
