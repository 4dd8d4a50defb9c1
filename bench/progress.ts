/** Told while a run goes on; draws it where somebody looks. */
export interface Progress {
  /** A scenario begins, or goes on with another phase. */
  phase(scenario: string, phase: string): void;
  /** Numbers as they are now; null: not known in this phase. */
  numbers(numbers: ProgressNumbers): void;
}

export interface ProgressNumbers {
  readonly connected: number;
  readonly wanted: number;
  /** Messages that all clients got, a second. */
  readonly messagesPerSecond: number | null;
  /** Of the last interval. */
  readonly p99Ms: number | null;
  /** Of the present phase, 0 to 1. */
  readonly done: number | null;
}
