import type { EmitterCounts, EmitterOptions } from "./emitter.ts";

// What the coordinator and the emitter's process tell each other over IPC.

export type ToEmitter = ({ readonly type: "begin" } & EmitterOptions) | { readonly type: "stop" };

export interface FromEmitter {
  readonly type: "counts";
  readonly counts: EmitterCounts;
}
