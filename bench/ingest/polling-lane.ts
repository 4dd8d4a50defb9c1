import type { CannonRequest, Lane } from "./cannon.ts";
import { pollAnswerOf } from "./poll-answer.ts";

const PATH = "/api/v1/upload-progress";
const OK = 200;

/** A client that polls all jobs of its user without waiting. */
export class PollingLane implements Lane {
  messages = 0;
  malformed = 0;
  readonly #token: string;
  #since: string | null = null;

  constructor(token: string) {
    this.#token = token;
  }

  next(): CannonRequest {
    return {
      method: "GET",
      path: this.#since === null ? PATH : `${PATH}?since=${this.#since}`,
      headers: { authorization: `Bearer ${this.#token}`, accept: "application/json" },
      body: "",
    };
  }

  answered(status: number, body: string): void {
    if (status !== OK) return;
    const answer = pollAnswerOf(body);
    if (answer === null) {
      this.malformed += 1;
      return;
    }
    this.#since = answer.id;
    this.messages += answer.messages.length;
  }
}
