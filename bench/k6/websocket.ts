import type { Arrivals } from "./arrivals.ts";
import { type Held, openSocket } from "./socket.ts";

const PATH = "/ws/upload-progress";

/** The native WebSocket: a message a frame, the token in the query. */
export function openWebSocket(publicUrl: string, token: string, arrivals: Arrivals): Held {
  return openSocket(`${publicUrl}${PATH}?access_token=${token}`, arrivals, (text, atUnixMs) => {
    const message: { type: string } = JSON.parse(text);
    if (message.type === "synced") arrivals.synced();
    else if (message.type !== "heartbeat") arrivals.message(message, atUnixMs);
  });
}
