import { setTimeout as sleep } from "node:timers/promises";
import type { Member } from "./registry.ts";
import { endingOf, spread } from "./transport.ts";

const STEP_MS = 50;
/** Between telling and closing: what was shown before the drain is on its way until then. */
const NOTICE_MS = 200;
/** Closing one connection costs about this much, so many of them take their time. */
const PACE_MS = 1;

/** Whoever has to go before the gateway can. */
export type Leaving = Pick<Member, "isClosed" | "tell" | "end" | "terminate">;

/**
 * Sends everybody away: `reconnect` to all, each with a time of its own, then closes 1012, paced over at most half of
 * `timeoutMs`; whoever is still there at `timeoutMs` is dropped.
 */
export async function drainConnections(members: readonly Leaving[], timeoutMs: number): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  const spreadMs = Math.max(2_000, timeoutMs / 3);
  for (const member of members) member.tell({ type: "reconnect", afterMs: spread(500, spreadMs) });
  await sleep(Math.min(NOTICE_MS, timeoutMs / 4));
  const paceMs = Math.min(timeoutMs / 2, members.length * PACE_MS);
  const perStep = Math.max(1, Math.ceil(members.length / Math.max(1, paceMs / STEP_MS)));
  for (let start = 0; start < members.length; start += perStep) {
    for (const member of members.slice(start, start + perStep)) member.end(endingOf("draining"));
    if (start + perStep < members.length) await sleep(STEP_MS);
  }
  while (members.some((member) => !member.isClosed) && performance.now() < deadlineMs)
    await sleep(Math.min(STEP_MS, Math.max(1, timeoutMs)));
  for (const member of members) member.terminate();
}
