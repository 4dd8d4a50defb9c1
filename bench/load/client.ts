import { jobPrefixOf } from "../schedule/steady.ts";
import type { Transport } from "../transports.ts";
import {
  type AuditCounts,
  addFindings,
  type ClientAudit,
  NO_FINDINGS,
  type Received,
  type Sample,
} from "./audit.ts";
import type { Pace } from "./connection.ts";
import type { PlannedClient } from "./population.ts";
import type { Open, Wire, WireOptions } from "./wire.ts";

export interface ClientEvents {
  /** `synced` has come for the first time on this connection. */
  established(client: LoadClient): void;
  /** It never got that far. */
  failed(client: LoadClient, reason: string): void;
  /** It had been established. `isAsked`: the hub had said to come back, so that this is no fault. */
  closed(client: LoadClient, reason: string, isAsked: boolean): void;
  sample(client: LoadClient, sample: Sample): void;
}

export interface ClientOptions {
  readonly run: string;
  readonly ways: Readonly<Record<Transport, Open>>;
  readonly events: ClientEvents;
  /** Microseconds of the run. */
  readonly nowUs: () => number;
}

/** One user's device: connects, follows, answers pings, and knows the id to come back with. */
export class LoadClient {
  readonly user: number;
  readonly transport: Transport;
  messages = 0;
  /** When it began to connect last, by `performance.now()`. */
  openedMs = 0;
  /** Messages of jobs that are not this user's. */
  #foreign = 0;
  readonly #jobPrefix: string;
  #audit: ClientAudit | null = null;
  readonly #ways: ClientOptions["ways"];
  readonly #events: ClientEvents;
  readonly #nowUs: () => number;
  #wire: Wire | null = null;
  #isEstablished = false;
  #isAsked = false;
  #lastId: string | null = null;

  constructor({ user, transport }: PlannedClient, options: ClientOptions) {
    const { run, ways, events, nowUs } = options;
    this.user = user;
    this.transport = transport;
    this.#jobPrefix = jobPrefixOf(run, user);
    this.#ways = ways;
    this.#events = events;
    this.#nowUs = nowUs;
  }

  get isEstablished(): boolean {
    return this.#isEstablished;
  }

  /** Connects, or comes back with what it last got. */
  open(options: Omit<WireOptions, "lastEventId">): void {
    this.#isAsked = false;
    this.openedMs = performance.now();
    this.#wire = this.#ways[this.transport](
      { ...options, lastEventId: this.#lastId },
      { message: (message) => this.#message(message), closed: (reason) => this.#closed(reason) },
    );
  }

  /** As when a phone loses its network: the server hears of it by a reset, and of nothing before. */
  cut(): void {
    this.#wire?.reset();
    this.#gone();
  }

  close(): void {
    this.#wire?.destroy();
    this.#gone();
  }

  /** What must not be and was, since the present load began. When all has had time to arrive. */
  findings(isEachShown: boolean): AuditCounts {
    this.#audit?.finish(isEachShown);
    return addFindings(this.#audit?.counts ?? NO_FINDINGS, { ...NO_FINDINGS, foreign: this.#foreign });
  }

  /** Null: this user has no part in the load, and should hear nothing of it. */
  expect(audit: ClientAudit | null): void {
    this.#foreign = 0;
    this.#audit = audit;
    if (this.#isEstablished) audit?.connected(this.#lastId);
  }

  /** How fast it reads from here on. */
  pace(pace: Pace): void {
    this.#wire?.pace(pace);
  }

  #message(message: Received): void {
    const nowUs = this.#nowUs();
    if (message.type === "reconnect") this.#isAsked = true;
    if (message.jobId !== undefined) {
      this.messages += 1;
      if (!message.jobId.startsWith(this.#jobPrefix)) {
        // Nor is its id one to come back with.
        this.#foreign += 1;
        return;
      }
    }
    if (message.id !== undefined) this.#lastId = message.id;
    const sample = this.#audit?.take(message, nowUs) ?? null;
    if (sample !== null) this.#events.sample(this, sample);
    if (message.type === "synced" && !this.#isEstablished) {
      this.#isEstablished = true;
      this.#events.established(this);
    }
  }

  #closed(reason: string | null): void {
    const wasEstablished = this.#isEstablished;
    this.#gone();
    if (wasEstablished) this.#events.closed(this, reason ?? "the server ended the stream", this.#isAsked);
    else this.#events.failed(this, reason ?? "the server ended the stream before it synced");
  }

  #gone(): void {
    this.#isEstablished = false;
    this.#wire = null;
    this.#audit?.disconnected();
  }
}
