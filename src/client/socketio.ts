import type { io as Connect, Socket } from "socket.io-client";
import { messageOf } from "../message-of.ts";
import type { Ending, Line, Opening, Transport } from "./transport.ts";
import { codeIn, endingOfClose, endingOfStatus } from "./transport.ts";

const WAYS = ["websocket", "polling"];

/** The stock client, loaded when it is asked for; to come back is the session's part. */
export function socketIoTransport(): Transport {
  // A WebSocket opens sooner, and has no change of ways in mid-connection; where none opens, the next try polls first.
  let ways = WAYS;
  return (opening, line) => {
    let socket: Socket | null = null;
    let isLeft = false;
    let isOpen = false;
    const ended = (ending: Ending): void => {
      if (isLeft) return;
      leave();
      line.ended(ending);
    };
    const leave = (): void => {
      isLeft = true;
      if (!isOpen && socket !== null) ways = ways.toReversed();
      socket?.removeAllListeners();
      socket?.offAny();
      socket?.disconnect();
    };
    import("socket.io-client").then(
      ({ io }) => {
        if (isLeft) return;
        const opened = (): void => {
          isOpen = true;
        };
        socket = open(io, ways, opening, { ...line, ended }, opened);
      },
      (error: unknown) => ended({ kind: "blocked", reason: messageOf(error) }),
    );
    return {
      refresh: (token) => socket?.emit("refresh", { token }, () => line.heard()),
      close: leave,
    };
  };
}

function open(
  io: typeof Connect,
  ways: readonly string[],
  { url, token, jobId, lastEventId }: Opening,
  line: Line,
  opened: () => void,
): Socket {
  // With a path behind it, the origin would be that of a namespace.
  const { origin, pathname } = new URL(url);
  const socket = io(origin, {
    path: `${pathname.replace(/\/+$/, "")}/ws/upload-progress`,
    transports: [...ways],
    tryAllTransports: true,
    reconnection: false,
    forceNew: true,
    auth: { token, ...(jobId !== null && { jobId }), ...(lastEventId !== null && { lastEventId }) },
  });
  let isOpen = false;
  let closingCode: number | null = null;
  socket.io.on("open", () => {
    isOpen = true;
    opened();
  });
  socket.io.engine.on("packet", ({ type }) => {
    line.heard();
    if (type === "ping") line.message('{"type":"heartbeat"}');
  });
  socket.onAny((type: string, message: unknown) => {
    if (type === "closing") closingCode = closeCodeIn(message);
    line.message(JSON.stringify(message));
  });
  socket.on("connect_error", (error) => line.ended(endingOfError(error)));
  socket.on("disconnect", (reason) => {
    const text = reason.replaceAll(" ", "_");
    if (closingCode !== null) line.ended(endingOfClose(closingCode, `closed_${closingCode}`));
    else line.ended(isOpen ? { kind: "lost", reason: text, afterMs: null } : blocked(text));
  });
  return socket;
}

function closeCodeIn(message: unknown): number | null {
  if (typeof message !== "object" || message === null || !("code" in message)) return null;
  return Number(message.code);
}

const blocked = (reason: string): Ending => ({ kind: "blocked", reason });

/** Of the hub's own refusal, which has `data`, or of what engine.io says of a request that was refused. */
function endingOfError(error: Error): Ending {
  const data: unknown = "data" in error ? error.data : null;
  const code = codeIn(data);
  if (code !== null) {
    const isForGood = typeof data === "object" && data !== null && "retryable" in data && !data.retryable;
    if (!isForGood) return { kind: "lost", reason: code, afterMs: null };
    return { kind: code.startsWith("token_") ? "unauthorized" : "over", reason: code };
  }
  const { description: status, context } = error as { description?: unknown; context?: unknown };
  if (typeof status !== "number" || status < 100) return blocked(error.message);
  const { responseText } = (context ?? {}) as { responseText?: unknown };
  return endingOfStatus(status, codeOfText(responseText), null);
}

function codeOfText(text: unknown): string | null {
  try {
    return codeIn(JSON.parse(String(text)));
  } catch {
    return null;
  }
}
