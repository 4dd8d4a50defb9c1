import type { Transport } from "../transports.ts";

/** What a hub is held against; see `bench/baselines`. */
export const BASELINES = ["plain-socketio", "bare-relay"] as const;
export type Baseline = (typeof BASELINES)[number];

/** What each has, and so what is measured on both sides. */
export const TRANSPORTS_OF: Readonly<Record<Baseline, readonly Transport[]>> = {
  "plain-socketio": ["socketio"],
  "bare-relay": ["websocket", "sse"],
};
