import type { Connection, Line, Opening, Transport } from "./transport.ts";
import { addressAt, endingOfClose } from "./transport.ts";

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

export function webSocketTransport(WebSocket: WebSocketClass): Transport {
  return ({ url, token, jobId, lastEventId }: Opening, line: Line): Connection => {
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
      line.ended(isOpen ? endingOfClose(code, text) : { kind: "blocked", reason: text });
    };
    socket.onerror = () => undefined;
    return {
      refresh: (next) => socket.send(JSON.stringify({ type: "refresh", token: next })),
      close: () => {
        socket.onmessage = null;
        socket.onclose = null;
        socket.close(1000);
      },
    };
  };
}
