import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import { z } from "zod";
import { codeOf } from "../../config/sources.ts";

export interface Target {
  /** Base of the public listener, `http://` or `https://`. */
  readonly url: string;
  readonly token: string;
  /** null: all jobs of the user. */
  readonly jobId: string | null;
}

/** How one connection ended. `reason` is for people. */
export type Ending =
  | { readonly kind: "enough"; readonly reason: string }
  | { readonly kind: "unreachable"; readonly reason: string }
  | {
      readonly kind: "refused";
      readonly reason: string;
      readonly status: number;
      readonly retryable: boolean;
      readonly retryAfterMs: number | null;
    }
  | { readonly kind: "closed"; readonly reason: string; readonly code: number };

interface Events {
  opened(): void;
  frame(text: string): boolean;
}

const CONNECT_TIMEOUT_MS = 10_000;
const MIN_SILENCE_MS = 60_000;
const MAX_PROBLEM_BYTES = 16_384;

/** Opens one connection and resolves when it has ended, for whatever reason; never rejects. */
export function openSocket(
  { url, token, jobId, lastEventId }: Target & { readonly lastEventId: string | null },
  events: Events,
  signal: AbortSignal,
): Promise<Ending> {
  const address = new URL(`${url.replace(/^http/, "ws")}/ws/upload-progress`);
  if (jobId !== null) address.searchParams.set("jobId", jobId);
  if (lastEventId !== null) address.searchParams.set("lastEventId", lastEventId);
  const socket = new WebSocket(address, {
    headers: { authorization: `Bearer ${token}` },
    handshakeTimeout: CONNECT_TIMEOUT_MS,
    perMessageDeflate: false,
  });
  const silence = watchSilence(() => socket.terminate());

  return new Promise<Ending>((resolve) => {
    let opened = false;
    const end = (ending: Ending): void => {
      silence.stop();
      signal.removeEventListener("abort", abort);
      socket.terminate();
      resolve(ending);
    };
    const abort = (): void => {
      // A close frame lets the hub forget the connection at once; nobody waits for its answer.
      if (opened) socket.close(1000);
      end({ kind: "enough", reason: "stopped" });
    };
    // Stays for good: terminating a socket that is still connecting makes it report one more error.
    socket.on("error", (error) =>
      end({ kind: opened ? "closed" : "unreachable", reason: reasonOf(error), code: 1006 }),
    );
    socket.on("open", () => {
      opened = true;
      events.opened();
    });
    socket.on("message", (data) => {
      const text = data.toString();
      silence.heard(text);
      if (events.frame(text)) {
        socket.close(1000);
        end({ kind: "enough", reason: "done" });
      }
    });
    socket.on("unexpected-response", (_request, response) => void readRefusal(response).then(end));
    socket.on("close", (code) => end({ kind: "closed", reason: `connection closed (${code})`, code }));
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
  });
}

/**
 * Ends a connection whose hub has fallen silent: a half-open one never says so itself. The pace of heartbeats is the
 * hub's setting, so it is learnt from them; before the second one there is no limit.
 */
function watchSilence(end: () => void): { heard(text: string): void; stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  let lastHeartbeatMs: number | null = null;
  let limitMs: number | null = null;
  return {
    heard: (text) => {
      if (text.startsWith('{"type":"heartbeat"')) {
        const nowMs = performance.now();
        if (lastHeartbeatMs !== null) limitMs = Math.max(MIN_SILENCE_MS, 2.5 * (nowMs - lastHeartbeatMs));
        lastHeartbeatMs = nowMs;
      }
      if (timer !== undefined) timer.refresh();
      else if (limitMs !== null) timer = setTimeout(end, limitMs);
    },
    stop: () => clearTimeout(timer),
  };
}

const problem = z.object({ code: z.string(), detail: z.string().optional() });

async function readRefusal(response: IncomingMessage): Promise<Ending> {
  const status = response.statusCode ?? 0;
  const retryAfter = Number(response.headers["retry-after"]);
  let body = "";
  try {
    for await (const chunk of response) {
      body += String(chunk);
      if (body.length > MAX_PROBLEM_BYTES) break;
    }
  } catch {
    // The status alone tells enough.
  }
  const told = parseProblem(body);
  return {
    kind: "refused",
    reason: `${status}${told === null ? "" : ` ${told.code}${told.detail === undefined ? "" : ` (${told.detail})`}`}`,
    status,
    retryable: status === 408 || status === 429 || status >= 500,
    retryAfterMs: Number.isFinite(retryAfter) ? retryAfter * 1_000 : null,
  };
}

function parseProblem(body: string): z.infer<typeof problem> | null {
  try {
    return problem.safeParse(JSON.parse(body)).data ?? null;
  } catch {
    return null;
  }
}

function reasonOf(error: Error): string {
  const code = codeOf(error);
  return code === String(error) ? error.message : code;
}
