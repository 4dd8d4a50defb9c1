import { z } from "zod";
import { type ConnectionState, connect, type ProgressStore } from "../../client/node.ts";
import { errorCatalogue } from "../../errors.ts";
import { CommandFailed, exitCode } from "../exit-codes.ts";

export interface FollowOptions {
  /** Base of the public listener, `http://` or `https://`. */
  readonly url: string;
  readonly token: string;
  /** null: all jobs of the user. */
  readonly jobId: string | null;
  readonly store: ProgressStore;
  /** Each message, exactly as received. */
  readonly onMessage?: (text: string) => void;
  /** The state of the connection, in words; null: nothing worth saying. */
  readonly onStatus: (text: string | null) => void;
}

/**
 * The SDK takes a line for dead after twice a heartbeat's silence, and a hub's may be rarer than by default. Nobody at a
 * terminal waits for half a minute.
 */
const TIMES = { heartbeatMs: 60_000, maxRetryMs: 10_000 };

/** Close codes after which coming back with the same token is pointless (contract.md, "Errors"). */
const FATAL_CLOSES: Readonly<Record<number, string>> = {
  1009: "the hub refused a frame as too large",
  4400: "the hub refused a frame as not in the protocol",
  4401: "the token has expired or was revoked; take a fresh one",
  4429: "a newer connection of the same user took this place; close another one",
};

/**
 * Keeps the store up to date until `signal` aborts, or the job has ended and everything up to the head was received.
 * Throws `CommandFailed`: unreachable at the very first try, or refused for good.
 */
export function follow(options: FollowOptions, signal: AbortSignal): Promise<void> {
  const { url, token, jobId, store, onMessage, onStatus } = options;
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve, reject) => {
    let wasHeard = false;
    let wasLive = false;
    let detail: string | null = null;
    const fetch = fetchThatSaysWhy((said) => {
      detail = said;
    });
    const progress = connect({
      ...{ url, token: () => token, store, fetch },
      ...(jobId !== null && { jobId }),
      times: TIMES,
      onMessage: (text) => {
        wasHeard = true;
        onMessage?.(text);
      },
    });
    const abort = (): void => progress.close();
    const end = (failure: CommandFailed | null): void => {
      stopLooking();
      signal.removeEventListener("abort", abort);
      progress.close();
      if (failure === null) resolve();
      else reject(failure);
    };
    const look = ({ phase, reason, retryAtMs }: ConnectionState): void => {
      if (phase === "live" || phase === "polling") {
        wasLive = true;
        onStatus(null);
      } else if (phase === "closed" && (signal.aborted || reason === "job_ended")) end(null);
      else if (phase === "closed" || retryAtMs !== null) {
        const loss = lossOf(reason ?? "closed", wasLive, detail);
        if (loss.isFatal || phase === "closed") end(new CommandFailed(exitCode.failed, loss.text));
        else if (!wasHeard && !loss.isAnswer) {
          const text = `can't reach ${url} (${loss.text}); is the hub running, and is --url right?`;
          end(new CommandFailed(exitCode.unreachable, text));
        } else {
          const seconds = Math.max(0, (retryAtMs ?? 0) - Date.now()) / 1_000;
          onStatus(`${loss.text}; coming back in ${seconds.toFixed(1)} s`);
          wasHeard = true;
          wasLive = false;
        }
      }
    };
    const stopLooking = progress.onState(look);
    signal.addEventListener("abort", abort, { once: true });
  });
}

interface Loss {
  /** For people. */
  readonly text: string;
  readonly isFatal: boolean;
  /** Somebody was there, and said so. */
  readonly isAnswer: boolean;
}

/**
 * `reason`: of the connection's state. `wasLive`: there was one, which is gone; else there is none yet. `detail`: what the
 * last refusal said; null: nothing.
 */
function lossOf(reason: string, wasLive: boolean, detail: string | null): Loss {
  const { status, closeCode, title } = meaningOf(reason);
  if (closeCode !== null && (wasLive || status === null)) {
    const fatal = FATAL_CLOSES[closeCode];
    return fatal === undefined
      ? { text: `connection closed (${closeCode})`, isFatal: false, isAnswer: true }
      : { text: `disconnected for good: ${fatal}`, isFatal: true, isAnswer: true };
  }
  if (status !== null) {
    const said = title === null ? String(status) : `${status} ${reason} (${detail ?? title})`;
    if (status === 408 || status === 429 || status >= 500)
      return { text: said, isFatal: false, isAnswer: true };
    const remedy =
      status === 401 ? "mint another token with `progress-hub token`" : "check --url and --token";
    return { text: `the hub refused the connection: ${said}; ${remedy}`, isFatal: true, isAnswer: true };
  }
  const isAnswer = reason === "refused" || reason === "stream_ended";
  return { text: reason.replaceAll("_", " "), isFatal: false, isAnswer };
}

const problem = z.object({ detail: z.string() });

interface Meaning {
  readonly status: number | null;
  readonly closeCode: number | null;
  readonly title: string | null;
}

const CATALOGUE: ReadonlyMap<string, Meaning> = new Map(Object.entries(errorCatalogue));

/** A reason is a code of the catalogue, a number where the other side sent none, or something else altogether. */
function meaningOf(reason: string): Meaning {
  const [, kind, number] = /^(closed|http)_(\d+)$/.exec(reason) ?? [];
  if (kind === "closed") return { status: null, closeCode: Number(number), title: null };
  if (kind === "http") return { status: Number(number), closeCode: null, title: null };
  return CATALOGUE.get(reason) ?? { status: null, closeCode: null, title: null };
}

/** Node's says `fetch failed`, and why in its cause alone; and the SDK leaves out the words of a refusal. */
function fetchThatSaysWhy(refused: (detail: string | null) => void): typeof globalThis.fetch {
  return async (input, init) => {
    try {
      const response = await globalThis.fetch(input, init);
      if (!response.ok) refused(await detailOf(response.clone()));
      return response;
    } catch (error) {
      throw error instanceof Error && error.cause instanceof Error ? error.cause : error;
    }
  };
}

async function detailOf(response: Response): Promise<string | null> {
  try {
    return problem.safeParse(await response.json()).data?.detail ?? null;
  } catch {
    return null;
  }
}
