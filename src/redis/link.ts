import { setTimeout as sleep } from "node:timers/promises";
import { type Backoff, fullJitterMs } from "../backoff.ts";
import { HubError } from "../errors.ts";
import { type ClientOptions, connectOnce, end, type RedisClient } from "./client.ts";
import { isDemoted, redirectionOf, storeError, unavailable } from "./errors.ts";
import type { Address } from "./url.ts";

export interface LinkEvents {
  /** A new connection stands: subscriptions and whatever else belonged to the one before are to be made again. */
  ready?(client: RedisClient, address: Address): void;
  /** The connection was lost, or the first one could not be made; told once, until `ready`. */
  lost?(error: HubError): void;
}

export interface LinkOptions extends LinkEvents {
  /** Asked before each connection, so that a new master is found. */
  readonly resolve: () => Promise<Address>;
  /** Looks at a new connection before it is used; what it throws ends it. */
  readonly check?: (client: RedisClient) => Promise<unknown>;
  /** MOVED ends the connection, since it is for one key alone. */
  readonly isForOneKey?: boolean;
  readonly client: ClientOptions;
  /** Milliseconds a command may take unless it is said otherwise. */
  readonly commandTimeoutMs: number;
  readonly backoff: Backoff;
}

/** A connection that stood for less does not count as a success: one that is refused its first command would spin. */
const STEADY_AFTER_MS = 2_000;
/** A connection that is not used is asked whether it lives. */
const PING_EVERY_MS = 1_000;

/**
 * A connection that is kept: made anew for ever, with full jitter, after it was lost. Each time it is a client of its
 * own, so that nothing of the one before (queued commands, subscriptions, a demoted master's address) lives on.
 *
 *     resolve -> connect -> check -> ready --error, no answer in time, READONLY--> lost -> back-off -> resolve
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #closing = new AbortController();
  readonly #ping: NodeJS.Timeout;
  #client: RedisClient | null = null;
  #lose: (error: unknown) => void = () => {};
  #attempt: Promise<void> = Promise.resolve();
  #underWay = 0;
  #isLost = false;
  /** Why there is no connection. */
  #reason: HubError = unavailable("is not connected yet");

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#ping = setInterval(() => this.#pingIdle(), PING_EVERY_MS).unref();
    void this.#keep();
  }

  get isReady(): boolean {
    return this.#client !== null;
  }

  /** Resolves at once, unless a connection is being made: then when it stands, or has failed. */
  settled(): Promise<void> {
    return this.#attempt;
  }

  /**
   * Gives the task the connection; commands that it sends in one turn go out together. Rejects with a HubError
   * `store_unavailable` at once without a connection, and after `timeoutMs` without an answer, which ends the
   * connection: answers come in order, so that every later one would be late as well. Else see `storeError`.
   */
  async run<T>(
    task: (client: RedisClient) => Promise<T>,
    timeoutMs = this.#options.commandTimeoutMs,
  ): Promise<T> {
    const client = this.#client;
    if (client === null) throw this.#reason;
    const stop = this.#watch(client, timeoutMs);
    this.#underWay += 1;
    try {
      return await task(client);
    } catch (error) {
      const isMoved = this.#options.isForOneKey === true && redirectionOf(error)?.kind === "MOVED";
      if (isMoved) this.#drop(client, unavailable("has moved the key to another node"));
      else if (isDemoted(error)) this.#drop(client, error);
      const told = storeError(error);
      // Commands that were under way with the one that was late, or came after it, say the same.
      throw isMoved || (told instanceof HubError && this.#client !== client) ? this.#reason : told;
    } finally {
      this.#underWay -= 1;
      stop();
    }
  }

  /** For good. */
  close(): void {
    clearInterval(this.#ping);
    this.#closing.abort();
    this.#reason = unavailable("is not connected any more");
    if (this.#client !== null) this.#drop(this.#client, this.#reason);
  }

  async #keep(): Promise<void> {
    const { signal } = this.#closing;
    let failures = 0;
    while (!signal.aborted) {
      let readyAtMs: number | null = null;
      let settle = () => {};
      this.#attempt = new Promise((resolve) => {
        settle = resolve;
      });
      try {
        const { client, address } = await this.#connect();
        readyAtMs = performance.now();
        const lost = this.#adopt(client, signal);
        settle();
        this.#options.ready?.(client, address);
        throw await lost;
      } catch (error) {
        if (signal.aborted) return settle();
        this.#told(reasonOf(error));
        settle();
      }
      const wasSteady = readyAtMs !== null && performance.now() - readyAtMs > STEADY_AFTER_MS;
      failures = wasSteady ? 1 : failures + 1;
      const delayMs = fullJitterMs(failures, this.#options.backoff, Math.random());
      await sleep(delayMs, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  async #connect(): Promise<{ client: RedisClient; address: Address }> {
    const { client: clientOptions, resolve, check } = this.#options;
    const address = await resolve();
    const client = await connectOnce(address, clientOptions);
    const timer = setTimeout(() => end(client), clientOptions.connectTimeoutMs);
    try {
      // A server that loads its data takes connections already.
      await client.ping();
      await check?.(client);
      return { client, address };
    } catch (error) {
      end(client);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Gives what will have ended the connection. */
  #adopt(client: RedisClient, signal: AbortSignal): Promise<unknown> {
    const lost = new Promise<unknown>((resolve) => {
      this.#lose = resolve;
    });
    client.on("error", (error) => this.#drop(client, error));
    client.on("end", () => this.#drop(client, unavailable("closed the connection")));
    this.#client = client;
    this.#isLost = false;
    if (signal.aborted) this.#drop(client, this.#reason);
    return lost;
  }

  #drop(client: RedisClient, error: unknown): void {
    if (this.#client !== client) return;
    this.#client = null;
    this.#reason = reasonOf(error);
    this.#lose(this.#reason);
    end(client);
  }

  #told(reason: HubError): void {
    this.#reason = reason;
    if (this.#isLost) return;
    this.#isLost = true;
    this.#options.lost?.(reason);
  }

  /** Ends the connection unless it is stopped in time. */
  #watch(client: RedisClient, timeoutMs: number): () => void {
    let isOver = false;
    const timer = setTimeout(() => {
      // One more turn: where this process itself stood still, the answer may be here and not yet read.
      setImmediate(() => {
        if (!isOver) this.#drop(client, unavailable(`does not answer within ${timeoutMs} ms`));
      });
    }, timeoutMs);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }

  #pingIdle(): void {
    if (this.#client === null || this.#underWay > 0) return;
    this.run((client) => client.ping()).catch(() => {});
  }
}

/** A reply that is nobody's to understand here says itself why there is no connection. */
function reasonOf(error: unknown): HubError {
  const told = storeError(error);
  return told instanceof HubError ? told : unavailable(`refuses the connection (${String(told)})`);
}
