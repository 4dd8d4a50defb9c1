import { setTimeout as wait } from "node:timers/promises";
import { messageOf } from "../src/message-of.ts";
import type { ClientKind } from "./oracle/client-record.ts";
import { Followers } from "./oracle/followers.ts";
import { differencesOf } from "./oracle/judge.ts";
import { MAX_EXAMPLES, Oracle, type Verdict } from "./oracle/oracle.ts";
import { DEAF_MS, type Population, populationOf } from "./oracle/population.ts";
import type { Sink } from "./sink.ts";

export interface VerifyOptions {
  /** Where clients connect to: the hub, or what is between. */
  readonly clientsUrl: string;
  /** The hub itself, for those who look only at the end. */
  readonly publicUrl: string;
  readonly userIds: readonly string[];
  readonly devicesPerUser: number;
  readonly tokenOf: (userId: string) => string;
  /** How long what is not well yet is waited for; absent: longer than a hub takes to end what nobody tells of any more. */
  readonly settleMs?: number;
  /** The hub's setting `expireAfter`; absent: who is not told of any more need not have ended. */
  readonly expireMs?: number;
}

/** What is not well yet, while it is waited for. */
export interface Awaited {
  /** Until what is not well is judged. */
  readonly leftMs: number;
  /** Clients that are not back. */
  readonly missing: number;
  /** Endings that a client has not seen, and what one shows otherwise than it should. */
  readonly lost: number;
  readonly untrue: number;
  /** Uploads that nobody tells of any more, and that the hub has not ended. */
  readonly open: number;
}

/** What came of it. */
export interface Judgement extends Verdict {
  /** Photos and jobs that some client shows in the end otherwise than they are. */
  readonly untrue: number;
  readonly clients: number;
  readonly messages: number;
  readonly disconnects: number;
  /** Endings that every client of their owner was owed. */
  readonly endings: number;
}

/** Each way there is, in turn. */
const KINDS: readonly ClientKind[] = [
  ...(["websocket", "sse", "socketio-websocket", "polling", "socketio", "socketio-polling"] as const),
];
/** Longer than the hub takes to end a job whose photos nobody tells of any more, or waits for a retry, by default. */
const SETTLE_MS = 45_000;
const LOOK_EVERY_MS = 500;

/** Clients of every kind that watch a simulation, and an oracle that knows what they should see. */
export class Verification {
  readonly oracle: Oracle;
  readonly #options: VerifyOptions;
  readonly #population: Population;
  readonly #followers: Followers;

  constructor(options: VerifyOptions) {
    this.#options = options;
    const { clientsUrl: publicUrl, userIds, devicesPerUser, tokenOf, expireMs } = options;
    this.oracle = new Oracle({
      ...{ stateSurvivesCore: true, epochsRetell: true },
      ...(expireMs !== undefined && { expireMs }),
    });
    this.#population = populationOf({
      ...{ publicUrl, userIds, devicesPerUser, tokenOf, kinds: KINDS },
      oracle: this.oracle,
    });
    this.#followers = new Followers({ publicUrl, tokenOf, oracle: this.oracle });
  }

  get population(): Population {
    return this.#population;
  }

  /** Connects them without waiting for all: on a bad line some never are for long. */
  connect(): Promise<void> {
    return this.#population.start();
  }

  /** The same sink, whose events the oracle hears of: of each, when it is sent and that it was taken. */
  recorded(sink: Sink): Sink {
    return {
      name: sink.name,
      send: async (events, signal) => {
        for (const event of events) {
          const { jobId, userId } = event.data;
          if (this.oracle.published(event)) this.#followers.sent(jobId, userId);
        }
        const { generation } = this.oracle;
        const answer = await sink.send(events, signal);
        if (answer === null) return null;
        const refused = new Set(answer.rejected.map(({ index }) => index));
        for (const [index, event] of events.entries()) {
          if (!refused.has(index)) this.oracle.acknowledged(event, generation);
        }
        return answer;
      },
    };
  }

  /** When nobody is ill-treated any more: waits until all is well, or for as long as that may take, and judges. */
  async judge(signal: AbortSignal, onWait?: (awaited: Awaited) => void): Promise<Judgement> {
    const beganMs = performance.now();
    const settleMs = this.#options.settleMs ?? SETTLE_MS;
    do {
      this.#followers.sweep();
      // Before the first look too: who was cut just now has to notice, and to come back.
      await wait(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
      const missing = this.#missing().length;
      const { open } = this.oracle;
      const [lost, untrue] = [this.oracle.lost().length, this.oracle.untrue().length];
      const endMs = beganMs + (missing > 0 ? Math.max(settleMs, DEAF_MS) : settleMs);
      const leftMs = endMs - performance.now();
      if (leftMs < 0 || (missing === 0 && open === 0 && lost === 0 && untrue === 0)) break;
      onWait?.({ leftMs, missing, lost, untrue, open });
    } while (!signal.aborted);
    const verdict = this.oracle.verdict();
    const missing = this.#missing().map(
      ({ record }) => `${record.name} of user ${record.userId} never came back: ${reason(record)}`,
    );
    const untrue = [...missing, ...this.oracle.untrue(), ...(await this.#againstNewcomers())];
    const records = this.#population.records;
    return {
      ...verdict,
      untrue: untrue.length,
      examples: [...verdict.examples, ...untrue.slice(0, MAX_EXAMPLES).map((what) => `untrue: ${what}`)],
      clients: records.length + this.#followers.begun,
      messages: records.reduce((sum, { messages }) => sum + messages, this.#followers.messages),
      disconnects: records.reduce((sum, one) => sum + one.disconnects.length, this.#followers.disconnects),
      endings: this.oracle.endingsOwed,
    };
  }

  #missing(): Population["clients"] {
    const clients = [...this.#population.clients, ...this.#followers.clients];
    return clients.filter(({ record }) => !record.isSynced);
  }

  close(): void {
    this.#population.close();
    this.#followers.close();
  }

  /** Whoever comes only now is told the same as those who were there all the time. */
  async #againstNewcomers(): Promise<readonly string[]> {
    const { publicUrl, userIds, tokenOf } = this.#options;
    const newcomers = populationOf({
      ...{ publicUrl, userIds, tokenOf, devicesPerUser: 1, kinds: ["websocket"] },
      oracle: this.oracle,
    });
    const watching = [...this.#population.records];
    const known = this.oracle.clients.length;
    try {
      await newcomers.connect();
      return newcomers.records.flatMap((newcomer) =>
        watching
          .filter(({ userId, isSynced }) => isSynced && userId === newcomer.userId)
          .flatMap((client) => differencesOf(client, newcomer)),
      );
    } catch (error) {
      return [`nobody who comes now is let in: ${messageOf(error).split("\n", 1).join("")}`];
    } finally {
      newcomers.close();
      // Of what ended long ago they are told nothing, and owed nothing.
      this.oracle.clients.splice(known);
    }
  }
}

function reason({ gaveUp, problems }: Population["records"][number]): string {
  return gaveUp ?? problems.at(-1) ?? "nothing was heard of it";
}
