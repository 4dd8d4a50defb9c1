import { MESSAGE_TYPES, type MessageType } from "../../domain/messages.ts";
import type { Redis } from "../../redis/redis.ts";
import type { OutMessage } from "../contract.ts";
import { formatEventId } from "../event-id.ts";
import type { StoreListener, Unstamped } from "../store.ts";
import type { SharedClock } from "./clock.ts";
import { keysOf } from "./keys.ts";
import { Subscriptions } from "./subscriptions.ts";

export interface LiveOptions {
  readonly redis: Redis;
  readonly clock: SharedClock;
  readonly listener: () => StoreListener;
  readonly failed: (error: unknown) => void;
}

interface Heard {
  /** Up to where the user's messages were heard; null: of nothing yet. */
  seq: number | null;
  /** The newest number there was when somebody looked last. */
  headSeq: number;
}

/** Users whose newest number is asked for at once. */
const LOOK_AT_ONCE = 250;
const LOOK_EVERY_MS = 250;
/** Each user is looked at about this often. */
const LOOK_ROUND_MS = 10_000;

const GAP = "gap";
const TYPES: ReadonlySet<string> = new Set(MESSAGE_TYPES);

/**
 * Messages of the users who are connected to this machine, as whoever commits them publishes them. One that was lost
 * shows at the next to whoever takes them, since that is not the next of its user's; and now and then somebody looks
 * whether it was the last.
 */
export class Live {
  readonly #options: LiveOptions;
  readonly #subscriptions: Subscriptions;
  readonly #heard = new Map<string, Heard>();
  readonly #look: NodeJS.Timeout;
  /** Users whose read was refused: it is for them to read again when it can be done. */
  readonly #refused = new Set<string>();
  /** Users still to be looked at in this round. */
  #round: string[] = [];
  #publications = 0;

  constructor(options: LiveOptions) {
    this.#options = options;
    this.#subscriptions = new Subscriptions({
      redis: options.redis,
      heard: (userId, payload) => this.#take(userId, payload),
      gap: (userId) => this.#gap(userId),
      failed: options.failed,
    });
    this.#look = setInterval(() => void this.#lookForGaps(), LOOK_EVERY_MS).unref();
  }

  get isWhole(): boolean {
    return this.#subscriptions.isWhole;
  }

  /** Publications that came from Redis since the start. */
  get publications(): number {
    return this.#publications;
  }

  watch(userId: string): void {
    this.#heard.set(userId, { seq: null, headSeq: 0 });
    this.#subscriptions.add(userId);
  }

  unwatch(userId: string): void {
    this.#subscriptions.remove(userId);
    this.#heard.delete(userId);
    this.#refused.delete(userId);
  }

  /** The user could not be served. */
  refused(userId: string): void {
    if (this.#heard.has(userId)) this.#refused.add(userId);
  }

  settled(userId: string): Promise<void> {
    return this.#subscriptions.settled(userId);
  }

  close(): void {
    clearInterval(this.#look);
    this.#subscriptions.close();
  }

  #take(userId: string, payload: string): void {
    this.#publications += 1;
    const heard = this.#heard.get(userId);
    if (heard === undefined) return;
    if (payload === GAP) {
      this.#gap(userId);
      return;
    }
    const messages = messagesOf(payload, (ms) => this.#options.clock.toBase(ms));
    heard.seq = messages.at(-1)?.seq ?? heard.seq;
    this.#options.listener().shown(userId, messages);
  }

  #gap(userId: string): void {
    this.#refused.delete(userId);
    const heard = this.#heard.get(userId);
    if (heard === undefined) return;
    heard.seq = null;
    heard.headSeq = 0;
    this.#options.listener().gap(userId);
  }

  /** Whose newest number was there at the last look already and was not heard of yet has missed it. */
  async #lookForGaps(): Promise<void> {
    if (!this.#options.redis.isReady) return;
    for (const userId of [...this.#refused].slice(0, LOOK_AT_ONCE)) this.#gap(userId);
    if (this.#round.length === 0) this.#round = [...this.#subscriptions.users()];
    const share = Math.ceil((this.#heard.size * LOOK_EVERY_MS) / LOOK_ROUND_MS);
    const users = this.#round.splice(0, Math.min(LOOK_AT_ONCE, share));
    await Promise.all(users.map((userId) => this.#lookAt(userId).catch(() => undefined)));
  }

  async #lookAt(userId: string): Promise<void> {
    const [key = ""] = keysOf(userId).keys;
    const heardSeq = this.#heard.get(userId)?.seq ?? 0;
    const head = await this.#options.redis.run(key, (client) => client.hGet(key, "head"));
    const heard = this.#heard.get(userId);
    if (heard === undefined) return;
    const isMissed = heard.seq !== null && heard.seq < heard.headSeq;
    // Numbers that were published and are not there any more: writes were lost.
    const isBack = heard.seq !== null && Number(head ?? 0) < heardSeq;
    if (isMissed || isBack) {
      // What it was subscribed by may be gone without a word.
      this.#subscriptions.renew(userId);
      this.#gap(userId);
    }
    // Nothing is kept of the user: any number may come first.
    if (head === null) return;
    heard.headSeq = Number(head);
    heard.seq ??= heard.headSeq;
  }
}

/** What is published of the messages of one change; the script puts the epoch and the number before them in front. */
export function publicationBody(messages: readonly Unstamped[]): string {
  return messages
    .map(({ type, eventAtMs, jobId, body }) => `${type} ${Math.floor(eventAtMs)} ${jobId}\n${body}`)
    .join("\n");
}

function messagesOf(payload: string, timeOf: (ms: number) => number): readonly OutMessage[] {
  const [head = "", ...lines] = payload.split("\n");
  const space = head.indexOf(" ");
  const epoch = head.slice(0, space);
  const headSeq = Number(head.slice(space + 1));
  const messages: OutMessage[] = [];
  for (let at = 0; at + 1 < lines.length; at += 2) {
    const [line = "", body = ""] = [lines[at], lines[at + 1]];
    const first = line.indexOf(" ");
    const second = line.indexOf(" ", first + 1);
    const type = line.slice(0, first);
    if (!isMessageType(type)) continue;
    const seq = headSeq + at / 2 + 1;
    const id = formatEventId(epoch, seq);
    const json = `{"id":"${id}",${body}`;
    messages.push({
      seq,
      id,
      type,
      jobId: line.slice(second + 1),
      json,
      bytes: Buffer.byteLength(json),
      eventAtMs: timeOf(Number(line.slice(first + 1, second))),
    });
  }
  return messages;
}

function isMessageType(type: string): type is MessageType {
  return TYPES.has(type);
}
