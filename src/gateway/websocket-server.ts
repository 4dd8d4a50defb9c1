import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws";

/** The largest frame a client may send: a refresh with its token. */
export const MAX_CLIENT_FRAME_BYTES = 4_096;
/** A client that floods pings and reads no pongs gets no more of them. */
const MAX_UNREAD_BYTES = 16 * 1_024;

/** A client that does not answer a close frame is cut off after this; ws itself would wait for 30 s. */
const closing = { closeTimeout: 5_000 };

/** `ws` for upgrades we route ourselves: no compression, small frames, and answers to pings that can't pile up. */
export class HubWebSocketServer extends WebSocketServer {
  constructor(options: ServerOptions = {}) {
    super({
      ...options,
      // Spread, since @types/ws does not know it yet.
      ...closing,
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: options.maxPayload ?? MAX_CLIENT_FRAME_BYTES,
      autoPong: false,
    });
  }

  override handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    done: (client: WebSocket, request: IncomingMessage) => void,
  ): void {
    super.handleUpgrade(request, socket, head, (client) => {
      client.on("ping", (data) => {
        if (socket.writableLength <= MAX_UNREAD_BYTES) client.pong(data);
      });
      done(client, request);
    });
  }
}
