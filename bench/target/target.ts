import type { BenchResult } from "../result.ts";

/** What is measured: a hub of our own, one that runs already, or a baseline. */
export interface Target {
  readonly kind: BenchResult["target"]["kind"];
  /** Taken in turn by clients, so that no pair of addresses runs out of ports. */
  readonly publicUrls: readonly string[];
  readonly internalUrl: string;
  readonly jwtSecret: string;
  readonly ingestToken: string;
  /** Of the process that started all others; null: it runs elsewhere. */
  readonly pid: number | null;
  /** Null: not known. */
  readonly workers: number | null;
  /** With which it was started. */
  readonly flags: readonly string[];
  /** Resolves with why, when it has ended by itself; never for one that runs elsewhere. */
  readonly ended: Promise<string>;
  /** Ends what was started, and leaves no file behind. */
  stop(): Promise<void>;
}
