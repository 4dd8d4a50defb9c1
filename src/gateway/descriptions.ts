import { type FixedAnswer, fixedAnswer } from "../fixed-answer.ts";
import { asyncapi } from "./asyncapi.ts";
import { openapi } from "./openapi.ts";

/** The machine-readable descriptions, open to everybody: GET and HEAD of each path. */
export const descriptions: ReadonlyMap<string, FixedAnswer> = new Map([
  ["/openapi.json", answerWith(openapi)],
  ["/asyncapi.json", answerWith(asyncapi)],
]);

function answerWith(document: object): FixedAnswer {
  return fixedAnswer(Buffer.from(JSON.stringify(document)), {
    "Content-Type": "application/json",
    "Cache-Control": "public, max-age=300",
    // With CORS the answer differs by origin, so a cache between must not mix them up.
    Vary: "Origin",
  });
}
