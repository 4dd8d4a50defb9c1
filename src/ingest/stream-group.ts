import { RESP_TYPES } from "redis";
import type { RedisClient } from "../redis/client.ts";
import { isReply } from "../redis/errors.ts";
import type { Link } from "../redis/link.ts";
import type { Redis } from "../redis/redis.ts";
import { eventOf, listOf, readEntries, type StreamEntry } from "./stream-entries.ts";

/** An entry that was given to a consumer and is not acknowledged. */
export interface PendingEntry {
  readonly id: string;
  readonly consumer: string;
  /** Milliseconds since it was given. */
  readonly idleMs: number;
  readonly deliveries: number;
}

export interface DeadLetter {
  readonly entry: StreamEntry;
  readonly code: string;
  readonly message: string;
}

export interface GroupFigures {
  /** Entries not read yet; null: Redis can't tell (entries were deleted). */
  readonly behind: number | null;
  readonly pending: number;
}

const GROUP = "progress-hub";
/** About so many are kept; the oldest go. */
const MAX_DEAD_LETTERS = 10_000;
/** Values as they are, maps as lists: events must reach the gate byte by byte. */
const RAW = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer, [RESP_TYPES.MAP]: Array } } as const;

/** What goes wrong in between must not lose what the consumer was given meanwhile. KEYS: stream; ARGV: group, consumer. */
const DELETE_WITHOUT_PENDING = `
if #redis.call("XPENDING", KEYS[1], ARGV[1], "-", "+", 1, ARGV[2]) > 0 then return 0 end
redis.call("XGROUP", "DELCONSUMER", KEYS[1], ARGV[1], ARGV[2])
return 1`;

/** The commands of one consumer of the group, on one stream. They reject as `Redis.run` does. */
export class StreamGroup {
  readonly stream: string;
  readonly deadStream: string;
  readonly consumer: string;
  readonly #redis: Redis;

  constructor(redis: Redis, stream: string, consumer: string) {
    this.stream = stream;
    this.deadStream = `${stream}:dead`;
    this.consumer = consumer;
    this.#redis = redis;
  }

  /** From the stream's beginning: what was added before there was a hub is news as well. There already: nothing. */
  async create(): Promise<void> {
    try {
      await this.#run((client) => client.xGroupCreate(this.stream, GROUP, "0", { MKSTREAM: true }));
    } catch (error) {
      if (!isReply(error, "BUSYGROUP")) throw error;
    }
  }

  /** New entries, at most `count`, on a connection of its own; none came within `blockMs`: empty. */
  read(link: Link, count: number, blockMs: number, answerMs: number): Promise<readonly StreamEntry[]> {
    const args = [
      "XREADGROUP",
      "GROUP",
      GROUP,
      this.consumer,
      "COUNT",
      String(count),
      "BLOCK",
      String(blockMs),
    ];
    return link.run(async (client) => {
      const reply = await client.sendCommand<unknown>([...args, "STREAMS", this.stream, ">"], RAW);
      return readEntries(listOf(reply)[1], () => 1);
    }, blockMs + answerMs);
  }

  /** Entries of all consumers that were given `idleMs` ago or longer, from `after` on in the order of the stream. */
  pending(after: string, idleMs: number, count: number): Promise<readonly PendingEntry[]> {
    const args = ["XPENDING", this.stream, GROUP, "IDLE", String(idleMs), after, "+", String(count)];
    return this.#run(async (client) => {
      const reply = await client.sendCommand<unknown>(args);
      return listOf(reply).map((item) => {
        const [id, consumer, idle, deliveries] = listOf(item);
        return {
          id: String(id),
          consumer: String(consumer),
          idleMs: Number(idle),
          deliveries: Number(deliveries),
        };
      });
    });
  }

  /** Takes those over that were still given `idleMs` ago or longer. */
  claim(entries: readonly PendingEntry[], idleMs: number): Promise<readonly StreamEntry[]> {
    const deliveries = new Map(entries.map((entry) => [entry.id, entry.deliveries + 1]));
    const args = ["XCLAIM", this.stream, GROUP, this.consumer, String(idleMs), ...deliveries.keys()];
    return this.#run(async (client) =>
      readEntries(await client.sendCommand<unknown>(args, RAW), (id) => deliveries.get(id) ?? 1),
    );
  }

  /** Done with all of these; dead letters are written and acknowledged in one transaction. */
  async settle(done: readonly StreamEntry[], dead: readonly DeadLetter[]): Promise<void> {
    const isOneSlot = this.#redis.isOneSlot([this.stream, this.deadStream]);
    // In a cluster, without a hash tag in the name: first written, then acknowledged. Twice rather than never.
    if (!isOneSlot && dead.length > 0) {
      await this.#redis.run(this.deadStream, (client) =>
        Promise.all(dead.map((letter) => this.#bury(client, letter))),
      );
    }
    const ids = (isOneSlot ? done : [...done, ...dead.map(({ entry }) => entry)]).map(({ id }) => id);
    await this.#run(async (client) => {
      const acknowledged = ids.length === 0 ? null : client.xAck(this.stream, GROUP, ids);
      const buried = isOneSlot && dead.length > 0 ? this.#buryAndAcknowledge(client, dead) : null;
      await Promise.all([acknowledged, buried]);
    });
  }

  figures(): Promise<GroupFigures | null> {
    return this.#run(async (client) => {
      const groups = await client.xInfoGroups(this.stream);
      const own = groups.find(({ name }) => name === GROUP);
      return own === undefined ? null : { behind: own.lag ?? null, pending: own.pending };
    });
  }

  /** Forgets consumers that have been away for `idleMs` and have nothing left to be taken over. */
  async forgetConsumers(idleMs: number): Promise<void> {
    const consumers = await this.#run((client) => client.xInfoConsumers(this.stream, GROUP));
    for (const { name, idle, pending } of consumers) {
      if (name !== this.consumer && pending === 0 && idle >= idleMs) await this.#forget(name);
    }
  }

  /** This consumer leaves; what it has not acknowledged stays for the others. */
  leave(): Promise<void> {
    return this.#forget(this.consumer);
  }

  async #forget(consumer: string): Promise<void> {
    const options = { keys: [this.stream], arguments: [GROUP, consumer] };
    await this.#run((client) => client.eval(DELETE_WITHOUT_PENDING, options));
  }

  #bury(client: RedisClient, letter: DeadLetter): Promise<unknown> {
    return client.xAdd(this.deadStream, "*", letterOf(letter), TRIM);
  }

  #buryAndAcknowledge(client: RedisClient, dead: readonly DeadLetter[]): Promise<unknown> {
    const transaction = client.multi();
    for (const letter of dead) transaction.xAdd(this.deadStream, "*", letterOf(letter), TRIM);
    const ids = dead.map(({ entry }) => entry.id);
    return transaction.xAck(this.stream, GROUP, ids).exec();
  }

  #run<T>(task: (client: RedisClient) => Promise<T>): Promise<T> {
    return this.#redis.run(this.stream, task);
  }
}

const TRIM = {
  TRIM: { strategy: "MAXLEN", strategyModifier: "~", threshold: MAX_DEAD_LETTERS },
} as const;

/** `event` as it was; of an entry that has none, all its fields as JSON. */
function letterOf({ entry, code, message }: DeadLetter): {
  event: Buffer | string;
  code: string;
  message: string;
} {
  const event = eventOf(entry) ?? JSON.stringify(entry.fields.map((field) => field.toString()));
  return { event, code, message };
}
