import type { ClientRecord } from "./client-record.ts";
import type { Client } from "./clients/client.ts";
import { sseClient } from "./clients/sse.ts";
import { webSocketClient } from "./clients/websocket.ts";
import type { Oracle } from "./oracle.ts";

export interface FollowersOptions {
  readonly publicUrl: string;
  readonly oracle: Oracle;
  readonly tokenOf: (userId: string) => string;
}

const KINDS = { sse: sseClient, websocket: webSocketClient } as const;

/**
 * Clients of one job each, as a page with one bar is: for every user one at a time, from the beginning of a job to its end,
 * which must be the last that it is told; the stock EventSource then stops by itself.
 */
export class Followers {
  readonly #options: FollowersOptions;
  /** By user. */
  readonly #clients = new Map<string, Client>();
  #begun = 0;
  /** Of those that are done. */
  #messages = 0;
  #disconnects = 0;

  constructor(options: FollowersOptions) {
    this.#options = options;
  }

  /** How many there were. */
  get begun(): number {
    return this.#begun;
  }

  get messages(): number {
    return this.#sum(({ messages }) => messages, this.#messages);
  }

  get disconnects(): number {
    return this.#sum(({ disconnects }) => disconnects.length, this.#disconnects);
  }

  get clients(): readonly Client[] {
    return [...this.#clients.values()];
  }

  /** An event of this job is about to be sent; follows it where nobody of the user follows another. */
  sent(jobId: string, userId: string): void {
    const before = this.#clients.get(userId);
    if (before !== undefined) {
      if (!isDone(before.record)) return;
      this.#leave(userId, before);
    }
    const { publicUrl, oracle, tokenOf } = this.#options;
    const kind = this.#begun % 2 === 0 ? "sse" : "websocket";
    const record = oracle.client(kind, userId, jobId);
    this.#begun += 1;
    this.#clients.set(userId, KINDS[kind]({ publicUrl, record, token: tokenOf(userId) }));
  }

  /** Takes away those whose job has ended, with all that was theirs to see. */
  sweep(): void {
    for (const [userId, client] of this.#clients) if (isDone(client.record)) this.#leave(userId, client);
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
  }

  #leave(userId: string, client: Client): void {
    this.#messages += client.record.messages;
    this.#disconnects += client.record.disconnects.length;
    client.close();
    this.#options.oracle.forget(client.record);
    this.#clients.delete(userId);
  }

  #sum(of: (record: ClientRecord) => number, start: number): number {
    return this.clients.reduce((sum, { record }) => sum + of(record), start);
  }
}

/** It was shown the end of its job, and the stream has said that there is nothing else. */
function isDone({ kind, hasEnded, gaveUp }: ClientRecord): boolean {
  return hasEnded && (kind !== "sse" || gaveUp !== null);
}
