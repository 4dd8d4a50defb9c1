import type { ServerResponse } from "node:http";
import { type Asked, type FakeLine, halfOf, refuseBy } from "./line.ts";

const POLL_AFTER_MS = 2_000;

/** One poll. */
export function pollingLine(asked: Asked, response: ServerResponse): FakeLine {
  const messages: object[] = [];
  const bodyUpTo = (id: unknown): string => {
    const hasEnded = messages.some((message) => isEndOf(message, asked.jobId));
    return JSON.stringify({ id, messages, pollAfterMs: hasEnded ? null : POLL_AFTER_MS });
  };
  const answer = (body: string, mode = "resumed"): void => {
    response.writeHead(200, { "Content-Type": "application/json", "Progress-Hub-Mode": mode }).end(body);
  };
  return {
    asked,
    heard: [],
    get isOver() {
      return response.destroyed || response.writableEnded;
    },
    refuse: (status, refusal = {}) => refuseBy(response, status, refusal),
    say(...said) {
      for (const message of said) {
        if ("mode" in message && "id" in message) answer(bodyUpTo(message.id), String(message.mode));
        else messages.push(message);
      }
    },
    garble: (text) => answer(text),
    cutWithin(message) {
      messages.push(message);
      const body = bodyUpTo("a-0");
      response.writeHead(200, { "Content-Type": "application/json", "Content-Length": body.length });
      response.write(halfOf(body), () => response.destroy());
    },
    end() {
      response.destroy();
    },
    cut() {
      response.destroy();
    },
  };
}

function isEndOf(message: object, jobId: string | null): boolean {
  const isEnd = "type" in message && message.type === "job_completed";
  return isEnd && jobId !== null && "jobId" in message && message.jobId === jobId;
}
