import type { Arrivals } from "./arrivals.ts";
import { type Held, openSocket } from "./socket.ts";

const PATH = "/ws/upload-progress/?EIO=4&transport=websocket";

/**
 * Socket.IO at the level of frames (Engine.IO protocol 4, Socket.IO protocol 5): `0{...}` is answered with `40` and the
 * token, `2` (ping) with `3`; `42["<event>",<message>]` is a message, `44{...}` a refusal, `41` and `1` an end.
 */
export function openSocketIo(publicUrl: string, token: string, arrivals: Arrivals): Held {
  return openSocket(publicUrl + PATH, arrivals, (text, atUnixMs, send) => {
    if (text.startsWith("42")) {
      const [event, message]: [string, unknown] = JSON.parse(text.slice(2));
      if (event === "synced") arrivals.synced();
      else arrivals.message(message, atUnixMs);
    } else if (text === "2") send("3");
    else if (text.startsWith("0")) send(`40${JSON.stringify({ token })}`);
    else if (text.startsWith("44")) arrivals.error(text);
    else if (text.startsWith("41") || text === "1") arrivals.closed(0);
    else if (!text.startsWith("40")) arrivals.error(`unknown frame ${text}`);
  });
}
