import { setTimeout as sleep } from "node:timers/promises";
import type { Member } from "./registry.ts";
import { endingOf, spread } from "./transport.ts";

const STEP_MS = 50;
/** Between telling and closing: what was shown before the drain is on its way until then. */
const NOTICE_MS = 200;
/** Closing one connection costs about this much, so many of them take their time. */
const PACE_MS = 1;
/** Coming back costs more than leaving: so much a connection. */
const RETURN_PACE_MS = 10;
const MIN_SPREAD_MS = 500;

/** Whoever has to go before the gateway can. */
export interface Leaving extends Pick<Member, "isClosed" | "tell" | "end" | "terminate"> {
  /** True: an end just now would leave its client hanging; in a moment it would not. */
  readonly isSettling?: boolean;
}

/**
 * Sends everybody away, whoever still comes included: `reconnect`, each with a time of its own, then closes 1012, paced
 * over at most half of `timeoutMs`; whoever is still there at `timeoutMs` is dropped. `present` gives who is there now.
 */
export async function drainConnections(present: () => readonly Leaving[], timeoutMs: number): Promise<void> {
  const halfMs = performance.now() + timeoutMs / 2;
  const deadlineMs = performance.now() + timeoutMs;
  // A few are back in a second; thousands are spread over what the time-out allows.
  const spreadMs = Math.max(MIN_SPREAD_MS, Math.min(timeoutMs / 3, RETURN_PACE_MS * present().length));
  const told = new Set<Leaving>();
  const ended = new Set<Leaving>();
  const tellNew = (here: readonly Leaving[]) => {
    for (const member of here) {
      if (told.has(member)) continue;
      told.add(member);
      member.tell({ type: "reconnect", afterMs: spread(MIN_SPREAD_MS / 2, spreadMs) });
    }
  };

  tellNew(present());
  await sleep(Math.min(NOTICE_MS, timeoutMs / 4));
  const paceMs = Math.min(timeoutMs / 4, told.size * PACE_MS);
  const perStep = Math.max(1, Math.ceil(told.size / Math.max(1, paceMs / STEP_MS)));
  for (;;) {
    const here = present();
    tellNew(here);
    const mayStay = performance.now() < halfMs;
    const left = here.filter((member) => !ended.has(member));
    const next = left.filter(({ isSettling }) => !(mayStay && isSettling === true)).slice(0, perStep);
    for (const member of next) {
      ended.add(member);
      member.end(endingOf("draining"));
    }
    const isDone = next.length === left.length && [...ended].every(({ isClosed }) => isClosed);
    if (isDone || performance.now() >= deadlineMs) break;
    await sleep(Math.min(STEP_MS, Math.max(1, timeoutMs)));
  }
  for (const member of [...present(), ...ended]) member.terminate();
}
