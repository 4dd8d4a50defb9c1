import { pathOf } from "./sse.ts";
import type { Connection, Ending, Line, Opening, Transport } from "./transport.ts";
import { addressAt, endingOfClose, endingOfResponse } from "./transport.ts";

/** The part of a WebSocket that is used: the browser's, Node 22's, or `ws`. */
export interface WebSocketLike {
  readonly readyState: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  send(text: string): void;
  close(code?: number): void;
}

export type WebSocketClass = new (url: string, protocols: string[]) => WebSocketLike;

const PROTOCOL = "progress-hub.v1";

/**
 * `fetch`: where there is no other way, since a browser does not say why a WebSocket was refused: the hub is asked once more
 * over HTTP, which tells a token that is no good from a network that lets nothing through. null: the next way will tell.
 */
export function webSocketTransport(
  WebSocket: WebSocketClass,
  fetch: typeof globalThis.fetch | null,
): Transport {
  return (opening: Opening, line: Line): Connection => {
    const { url, token, jobId, lastEventId } = opening;
    const stop = new AbortController();
    const address = addressAt(url.replace(/^http/, "ws"), "/ws/upload-progress", { jobId, lastEventId });
    // Browsers can send no header with it; a subprotocol is in no log, as a query would be.
    const socket = new WebSocket(address, [PROTOCOL, `bearer.${token}`]);
    let isOpen = false;
    socket.onopen = () => {
      isOpen = true;
      line.heard();
    };
    socket.onmessage = ({ data }: { readonly data: unknown }) => {
      line.heard();
      line.message(String(data));
    };
    socket.onclose = ({ code, reason }: { readonly code: number; readonly reason?: string }) => {
      // React Native's may have none.
      const text = reason || `closed_${code}`;
      if (isOpen) return line.ended(endingOfClose(code, text));
      const blocked: Ending = { kind: "blocked", reason: text };
      if (fetch === null) return line.ended(blocked);
      void refusalOf(fetch, opening, stop.signal).then((refusal) => {
        if (!stop.signal.aborted) line.ended(refusal ?? blocked);
      });
    };
    socket.onerror = () => undefined;
    return {
      refresh: (next) => socket.send(JSON.stringify({ type: "refresh", token: next })),
      close: () => {
        stop.abort();
        socket.onmessage = null;
        socket.onclose = null;
        socket.close(1000);
      },
    };
  };
}

/** What the hub says of the token; null: nothing, or that there is nothing wrong with it. */
async function refusalOf(
  fetch: typeof globalThis.fetch,
  { url, token, jobId, lastEventId }: Opening,
  signal: AbortSignal,
): Promise<Ending | null> {
  try {
    const address = addressAt(url, pathOf(jobId), { since: lastEventId });
    const headers = { accept: "application/json", authorization: `Bearer ${token}` };
    const response = await fetch(address, { headers, signal });
    if (response.status === 401 || response.status === 403) return await endingOfResponse(response);
    await response.body?.cancel();
  } catch {
    // Nothing gets through: it is blocked indeed.
  }
  return null;
}
