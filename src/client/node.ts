import { WebSocket } from "ws";
import { type ConnectOptions, connect as connectAnywhere, type Progress } from "./connect.ts";

// The same for Node, where WebSocket is global from 22 on only.

class NodeWebSocket extends WebSocket {
  constructor(url: string, protocols: string[]) {
    super(url, protocols, { perMessageDeflate: false });
  }
}

export * from "./index.ts";

/** See `connect` of the browser's entry. */
export function connect(options: ConnectOptions): Progress {
  return connectAnywhere({ WebSocket: NodeWebSocket, ...options });
}
