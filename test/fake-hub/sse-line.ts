import type { ServerResponse } from "node:http";
import { type Asked, type FakeLine, halfOf, refuseBy } from "./line.ts";

/** Begun with the first that is said. */
export function sseLine(asked: Asked, response: ServerResponse): FakeLine {
  const begin = (): void => {
    if (!response.headersSent) response.writeHead(200, { "Content-Type": "text/event-stream" });
  };
  const write = (text: string, then: () => void = () => undefined): void => {
    begin();
    response.write(text, then);
  };
  return {
    asked,
    heard: [],
    get isOver() {
      return response.destroyed || response.writableEnded;
    },
    refuse: (status, refusal = {}) => refuseBy(response, status, refusal),
    say(...messages) {
      for (const message of messages) write(eventOf(message));
    },
    garble: (text) => write(text),
    cutWithin(message) {
      write(halfOf(eventOf(message)), () => response.destroy());
    },
    end() {
      begin();
      response.end();
    },
    cut() {
      response.destroy();
    },
  };
}

function eventOf(message: object): string {
  const id = "id" in message ? `id: ${message.id}\n` : "";
  return `${id}data: ${JSON.stringify(message)}\n\n`;
}
