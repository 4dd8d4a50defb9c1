import { increaseOf, increasesBy } from "../../src/metrics/increases.ts";
import type { Sample } from "../../src/metrics/parse.ts";

/** What the hub counted between two scrapes. */
export interface HubCounts {
  /** `accepted`, `unchanged`, and codes of rejections. */
  readonly eventsByResult: ReadonlyMap<string, number>;
  /** Each once, however many clients got it. */
  readonly messagesShown: number;
  /** States that a newer one replaced before they were shown. */
  readonly messagesConflated: number;
  /** To clients, all transports. */
  readonly messagesWritten: number;
  readonly writtenByTransport: ReadonlyMap<string, number>;
  readonly snapshots: number;
  readonly slowHolds: number;
  readonly slowCloses: number;
  /** Messages that a gateway had to read for itself, since too much waited on its link. */
  readonly linkMessagesMissed: number;
  readonly restarts: number;
  /** By the processes' own word: without the time of those that have ended. */
  readonly cpuSeconds: number;
  readonly cpuSecondsByProcess: ReadonlyMap<string, number>;
}

export function hubCounts(grown: readonly Sample[]): HubCounts {
  return {
    eventsByResult: increasesBy(grown, "events_total", "result"),
    messagesShown: increaseOf(grown, "messages_shown_total"),
    messagesConflated: increaseOf(grown, "messages_conflated_total"),
    messagesWritten: increaseOf(grown, "messages_written_total"),
    writtenByTransport: increasesBy(grown, "messages_written_total", "transport"),
    snapshots: increaseOf(grown, "resumes_total", { mode: "snapshot" }),
    slowHolds: increaseOf(grown, "slow_holds_total"),
    slowCloses: increaseOf(grown, "slow_closes_total"),
    linkMessagesMissed: increaseOf(grown, "link_messages_missed_total"),
    restarts: increaseOf(grown, "restarts_total"),
    cpuSeconds: increaseOf(grown, "process_cpu_seconds_total"),
    cpuSecondsByProcess: increasesBy(grown, "process_cpu_seconds_total", "process"),
  };
}
