import { HubError } from "../../errors.ts";
import type { LinkAnswer, LinkRequest } from "./messages.ts";

/** Requests on their way at once: their answers, at most a page each, must not fill the link. */
const MAX_UNDERWAY = 128;
const RETRY_AFTER_SECONDS = 2;

/** A request without its number. */
export type Asked = LinkRequest extends infer Each
  ? Each extends LinkRequest
    ? Omit<Each, "request">
    : never
  : never;

interface Pending {
  readonly request: LinkRequest;
  /** Monotonic milliseconds; Infinity: waits for ever. */
  readonly deadlineMs: number;
  readonly resolve: (answer: LinkAnswer) => void;
  readonly reject: (error: HubError) => void;
}

/**
 * What was asked of the core and is not answered yet, in the order of asking. It outlives a link: what was on its way
 * when the link broke is asked again on the next, which is safe since events are idempotent and reads change nothing.
 */
export class Requests {
  #waiting: Pending[] = [];
  readonly #underway = new Map<number, Pending>();
  #send: ((request: LinkRequest) => void) | null = null;
  #lastRequest = 0;

  get size(): number {
    return this.#waiting.length + this.#underway.size;
  }

  /** Rejects with the HubError the core answered, or with `overloaded` at the deadline. */
  ask(asked: Asked, deadlineMs: number): Promise<LinkAnswer> {
    this.#lastRequest += 1;
    const request: LinkRequest = { ...asked, request: this.#lastRequest };
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, deadlineMs, resolve, reject });
      this.#pump();
    });
  }

  /** A link is there. */
  linked(send: (request: LinkRequest) => void): void {
    this.#send = send;
    this.#pump();
  }

  unlinked(): void {
    this.#send = null;
    // A Map keeps the order of insertion, and those are older than all that wait.
    this.#waiting.unshift(...this.#underway.values());
    this.#underway.clear();
  }

  answer(answer: LinkAnswer): void {
    const pending = this.#underway.get(answer.request);
    if (pending === undefined) return;
    this.#underway.delete(answer.request);
    if (answer.kind === "refused") {
      pending.reject(new HubError(answer.code, answer.message, answer.retryAfterSeconds));
    } else {
      pending.resolve(answer);
    }
    this.#pump();
  }

  /** Gives up what has waited too long. */
  expire(nowMs: number): void {
    const isLate = ({ deadlineMs }: Pending): boolean => deadlineMs <= nowMs;
    const late = [...this.#underway.values(), ...this.#waiting].filter(isLate);
    if (late.length === 0) return;
    for (const { request } of late) this.#underway.delete(request.request);
    this.#waiting = this.#waiting.filter((pending) => !isLate(pending));
    for (const pending of late) giveUp(pending);
    this.#pump();
  }

  #pump(): void {
    while (this.#send !== null && this.#underway.size < MAX_UNDERWAY) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#underway.set(next.request.request, next);
      this.#send(next.request);
    }
  }
}

function giveUp({ reject }: Pending): void {
  reject(new HubError("overloaded", "The core did not answer in time.", RETRY_AFTER_SECONDS));
}
