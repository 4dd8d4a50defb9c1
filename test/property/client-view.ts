import { expect } from "vitest";
import type { CoreEngine } from "../../src/engine/core-engine.ts";
import { type Message, settle } from "../engine-harness.ts";
import type { ManualClock } from "../manual-clock.ts";
import type { history } from "./arbitrary-events.ts";

export type History = (typeof history)["generate"] extends (...args: never[]) => { value: infer Value }
  ? Value
  : never;

const RANK: Record<string, number> = { CANCELLED: 2, FAILED: 3, COMPLETED: 4 };

/** Fails at the first message that takes something back from whoever reads them in this order. */
export function expectNothingGoesBack(messages: readonly Message[]): void {
  const percent = new Map<string, number>();
  const attempts = new Map<string, { attempt: number; started: boolean; rank: number }>();
  let seq = 0;
  let jobEnds = 0;
  for (const message of messages) {
    const now = Number(message.id.split("-")[1]);
    expect(now).toBeGreaterThan(seq);
    seq = now;
    expect(JSON.stringify(message)).not.toMatch(/NaN|Infinity/);
    const isEnd = message.type === "upload_completed" || message.type === "job_completed";
    expect(isEnd ? message.progress === 100 : (message.progress ?? 0) < 100).toBe(true);
    if (message.photoId === undefined) {
      const key = `job ${message.totalsVersion}`;
      if (message.type === "job_completed") jobEnds += 1;
      else expect(jobEnds).toBe(0);
      expect(message.progress ?? percent.get(key) ?? 0).toBeGreaterThanOrEqual(percent.get(key) ?? 0);
      percent.set(key, message.progress ?? percent.get(key) ?? 0);
      continue;
    }
    const before = percent.get(message.photoId) ?? 0;
    if (message.type !== "upload_started") {
      expect(message.progress ?? before).toBeGreaterThanOrEqual(before);
      percent.set(message.photoId, message.progress ?? before);
    }
    expectAttemptInOrder(attempts, message);
  }
  expect(jobEnds).toBeLessThanOrEqual(1);
}

function expectAttemptInOrder(
  attempts: Map<string, { attempt: number; started: boolean; rank: number }>,
  message: Message,
): void {
  const { photoId = "", attempt = 0, type, status } = message;
  const known = attempts.get(photoId);
  expect(attempt).toBeGreaterThanOrEqual(known?.attempt ?? 1);
  const current = known?.attempt === attempt ? known : { attempt, started: false, rank: 0 };
  if (type === "upload_started") {
    expect(current.started).toBe(false);
    current.started = true;
  } else {
    expect(current.started).toBe(true);
    const rank = RANK[status] ?? 0;
    // An ending is followed by a greater one only, never by older progress.
    if (current.rank > 0 || rank > 0) expect(rank).toBeGreaterThan(current.rank);
    current.rank = rank;
  }
  attempts.set(photoId, current);
}

export async function play(
  engine: CoreEngine,
  clock: ManualClock,
  steps: History,
  afterStep: (step: number) => Promise<void> = async () => undefined,
): Promise<void> {
  for (const [step, { batch, passMs }] of steps.entries()) {
    await engine.publish(batch);
    await clock.advance(passMs);
    await afterStep(step);
  }
  await clock.advance(1000);
  await settle();
}

/** The newest message of each photo and job, whole but for the rate and a name heard late, which alone are no news. */
export function latest(messages: readonly Message[]): Record<string, unknown> {
  const byKey: Record<string, unknown> = {};
  for (const { bytesPerSecond: _rate, etaSeconds: _eta, fileName: _name, ...message } of messages) {
    byKey[message.photoId ?? "job"] = message;
  }
  return byKey;
}
