import type { Schedule } from "../schedule/schedule.ts";
import type { Transport } from "../transports.ts";
import type { AuditCounts, AuditRules } from "./audit.ts";
import type { Population } from "./population.ts";
import type { SimulatedCounts } from "./simulated-audit.ts";

// What the coordinator and a generator tell each other over IPC.

export interface GeneratorOptions {
  readonly population: Population;
  /** True: with the clients that people use, as a check of the frame-level ones. Few. */
  readonly isStock: boolean;
  /** True: may be told to read slowly, which takes a buffer each. */
  readonly isSlow: boolean;
  /** Which slice of it is this generator's, of how many. */
  readonly index: number;
  readonly generators: number;
  /** Taken in turn, so that no pair of addresses runs out of ports. */
  readonly publicUrls: readonly string[];
  readonly jwtSecret: string;
  /** Zero of the run, by the machine's monotonic clock. */
  readonly epochUs: number;
  readonly rules: AuditRules;
}

/** A load that is about to come, and what of it counts. */
export interface Expectation {
  readonly schedule: Schedule;
  /** Samples whose event was due from here, in microseconds of the run, ... */
  readonly fromUs: number;
  /** ... to before here. */
  readonly toUs: number;
  /** No event is near enough to another of the same photo to be merged with it. */
  readonly isEachShown: boolean;
}

export type ToGenerator =
  | ({ readonly type: "begin" } & GeneratorOptions)
  | { readonly type: "connect"; readonly perSecond: number }
  | { readonly type: "expect"; readonly expectation: Expectation }
  | { readonly type: "judge" }
  /** Cuts all connections as a network does, and comes back with the last id. */
  | { readonly type: "cut"; readonly perSecond: number }
  /** From here on, half of the clients read nothing at all, the others 1 KiB a second; or all as fast as they can. */
  | { readonly type: "read"; readonly isSlow: boolean }
  | { readonly type: "close" };

/** Numbers so far; by reason where there are reasons. */
export interface GeneratorCounts {
  readonly established: number;
  /** Of its slice, all that ever were. */
  readonly everEstablished: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly closes: Readonly<Record<string, number>>;
  /** All messages with an id. */
  readonly messages: number;
  /** Clients of the present load that have not seen its end. */
  readonly unfinished: number;
  /** Milliseconds, of the leading messages in the last interval; null: none. */
  readonly recentP99Ms: number | null;
}

export type SampleKind = "leading" | "trailing" | "ending";

export interface Judgement {
  readonly counts: AuditCounts;
  /** By kind and transport: an hdr histogram in microseconds, encoded. */
  readonly histograms: Readonly<Record<SampleKind, Readonly<Record<Transport, string>>>>;
  /** The worst client's p99, in milliseconds; null without samples. */
  readonly worstClientP99Ms: number | null;
  /** Messages in the window, for the cost of each. */
  readonly messages: number;
  /** How late this process' event loop was, in milliseconds. */
  readonly loopDelayP99Ms: number;
  readonly examples: readonly string[];
  /** Null: the load was not a simulated one. */
  readonly simulated: SimulatedCounts | null;
}

export type FromGenerator =
  | { readonly type: "begun" }
  | { readonly type: "counts"; readonly counts: GeneratorCounts }
  /** Every client of its slice has been established, or has failed. */
  | {
      readonly type: "settled";
      /** From the first packet to `synced`, in microseconds: an hdr histogram, encoded. */
      readonly connectTimes: string;
    }
  | { readonly type: "judged"; readonly judgement: Judgement };
