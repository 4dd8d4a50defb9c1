import { setTimeout as wait } from "node:timers/promises";
import { messageOf } from "../src/message-of.ts";
import type { ClientKind } from "./oracle/client-record.ts";
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
const KINDS: readonly ClientKind[] = ["websocket", "sse", "socketio-websocket", "polling", "socketio"];
/** Longer than the hub takes to end a job whose photos nobody tells of any more, or waits for a retry, by default. */
const SETTLE_MS = 45_000;
const LOOK_EVERY_MS = 500;

/** Clients of every kind that watch a simulation, and an oracle that knows what they should see. */
export class Verification {
  readonly oracle = new Oracle({ stateSurvivesCore: true, epochsRetell: true });
  readonly #options: VerifyOptions;
  readonly #population: Population;

  constructor(options: VerifyOptions) {
    this.#options = options;
    const { clientsUrl: publicUrl, userIds, devicesPerUser, tokenOf } = options;
    this.#population = populationOf({
      ...{ publicUrl, userIds, devicesPerUser, tokenOf, kinds: KINDS },
      oracle: this.oracle,
    });
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
        for (const event of events) this.oracle.published(event);
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
  async judge(signal: AbortSignal): Promise<Judgement> {
    const beganMs = performance.now();
    const settleMs = this.#options.settleMs ?? SETTLE_MS;
    do {
      // Before the first look too: who was cut just now has to notice, and to come back.
      await wait(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
      const missing = this.#missing().length;
      const isOver = performance.now() - beganMs > (missing > 0 ? Math.max(settleMs, DEAF_MS) : settleMs);
      if (isOver || (missing === 0 && this.#isWell())) break;
    } while (!signal.aborted);
    const verdict = this.oracle.verdict();
    const missing = this.#missing().map(
      ({ record }) => `${record.name} of user ${record.userId} never came back: ${reason(record)}`,
    );
    const untrue = [...missing, ...this.oracle.untrue(), ...(await this.#againstNewcomers())];
    const { records } = this.#population;
    return {
      ...verdict,
      untrue: untrue.length,
      examples: [...verdict.examples, ...untrue.slice(0, MAX_EXAMPLES).map((what) => `untrue: ${what}`)],
      clients: records.length,
      messages: records.reduce((sum, { messages }) => sum + messages, 0),
      disconnects: records.reduce((sum, { disconnects }) => sum + disconnects.length, 0),
      endings: this.oracle.endingsOwed,
    };
  }

  #missing(): Population["clients"] {
    return this.#population.clients.filter(({ record }) => !record.isSynced);
  }

  #isWell(): boolean {
    return this.oracle.lost().length === 0 && this.oracle.untrue().length === 0;
  }

  close(): void {
    this.#population.close();
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
