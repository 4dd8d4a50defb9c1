/** What a transport needs to begin a connection. */
export interface Opening {
  /** Base of the hub's public listener. */
  readonly url: string;
  readonly token: string;
  /** null: all jobs of the user. */
  readonly jobId: string | null;
  /** null: from the beginning. */
  readonly lastEventId: string | null;
}

/**
 * Of a path of the hub's, which may live below one of a proxy's; null: not in the query. By hand, since React Native's own
 * URL can't set `searchParams`.
 */
export function addressAt(
  url: string,
  path: string,
  query: Readonly<Record<string, string | null>> = {},
): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === null ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return url.replace(/\/+$/, "") + path + (pairs.length === 0 ? "" : `?${pairs.join("&")}`);
}

/** How a connection ended, or why there is none. */
export type Ending =
  /** Nothing was opened, and nobody said why: a proxy may be in the way. */
  | { readonly kind: "blocked"; readonly reason: string }
  /** Gone, or refused for now. `afterMs`: the hub said when to come back; null: it did not. */
  | { readonly kind: "lost"; readonly reason: string; readonly afterMs: number | null }
  /** It was not even tried, since what it needs was not to be had. */
  | { readonly kind: "untried"; readonly reason: string }
  /** Another token is needed. */
  | { readonly kind: "unauthorized"; readonly reason: string }
  /** Coming back is pointless. */
  | { readonly kind: "over"; readonly reason: string };

export interface Line {
  /** What the hub sends, a message each. */
  message(text: string): void;
  /** Anything came, of which no message need be: the line is alive. */
  heard(): void;
  /** Once, unless it was closed from here. */
  ended(ending: Ending): void;
}

export interface Connection {
  /** Replaces the token without another connection; null: this transport can't. */
  readonly refresh: ((token: string) => void) | null;
  close(): void;
}

export type Transport = (opening: Opening, line: Line) => Connection;

/** Of what goes on until it is over or `signal` aborts it. */
export function followed(
  follow: (opening: Opening, line: Line, signal: AbortSignal) => Promise<void>,
): Transport {
  return (opening, line) => {
    const stop = new AbortController();
    void follow(opening, line, stop.signal);
    return { refresh: null, close: () => stop.abort() };
  };
}

/** Of a close code of the hub (contract: the SDK stops for good on 4400, 4429 and 1009). */
export function endingOfClose(code: number, reason: string): Ending {
  if (code === 4401) return { kind: "unauthorized", reason };
  if (code === 4400 || code === 4429 || code === 1009) return { kind: "over", reason };
  return { kind: "lost", reason, afterMs: null };
}

/** Of an HTTP answer that opens nothing. */
export async function endingOfResponse(response: Response): Promise<Ending> {
  return endingOfStatus(response.status, await codeOf(response), response.headers.get("retry-after"));
}

/** `code`: of the problem that the hub answers with; null: it is none. */
export function endingOfStatus(status: number, code: string | null, retryAfter: string | null): Ending {
  const reason = code ?? `http_${status}`;
  // Without a code it is not the hub's: a proxy's, or another server's.
  if (code === null && status < 429) return { kind: "blocked", reason };
  if (status === 401) return { kind: "unauthorized", reason };
  if (status === 403) return { kind: "over", reason };
  if (status === 429 || status >= 500) {
    return { kind: "lost", reason, afterMs: afterMsOf(retryAfter) };
  }
  return { kind: "blocked", reason };
}

/** Of seconds, or of a date. */
function afterMsOf(retryAfter: string | null): number | null {
  if (retryAfter === null || retryAfter.trim() === "") return null;
  const seconds = Number(retryAfter);
  const ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(retryAfter) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

/** Of the problem that the hub answers with; null: it is none. */
async function codeOf(response: Response): Promise<string | null> {
  try {
    return codeIn(await response.json());
  } catch {
    // Whatever it was, it was no problem of the hub's.
    return null;
  }
}

/** null: there is none in it. */
export function codeIn(body: unknown): string | null {
  return typeof body === "object" && body !== null && "code" in body ? String(body.code) : null;
}
