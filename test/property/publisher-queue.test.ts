import fc from "fast-check";
import { expect, it } from "vitest";
import { type Envelope, envelopeOf, type PublishEvent } from "../../src/publisher/events.ts";
import { PublishQueue, type Slot } from "../../src/publisher/queue.ts";

type Op =
  | { readonly op: "publish"; readonly event: PublishEvent }
  | { readonly op: "take"; readonly maxEvents: number }
  /** What becomes of the batch in flight. */
  | { readonly op: "acknowledge" | "fail" | "hold" }
  | { readonly op: "later"; readonly ms: number };

const job = fc.constantFrom("j1", "j2");
const photo = fc.record({ jobId: job, photoId: fc.constantFrom("a", "b", "c") });
const attempt = fc.constantFrom(undefined, undefined, 1, 2);

const event: fc.Arbitrary<PublishEvent> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(photo, attempt, fc.nat(1_000), fc.constantFrom(undefined, null, 1_000, 2_000))
      .map(([ids, number, bytesTransferred, totalBytes]) => ({
        type: "photo.upload.progressed" as const,
        data: { ...ids, attempt: number, bytesTransferred, totalBytes },
      })),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        photo,
        attempt,
        fc.constantFrom("photo.upload.started", "photo.upload.completed", "photo.upload.cancelled" as const),
      )
      .map(([ids, number, type]): PublishEvent => ({ type, data: { ...ids, attempt: number } })),
  },
  {
    weight: 1,
    arbitrary: job.map((jobId): PublishEvent => ({ type: "uploadjob.cancelled", data: { jobId } })),
  },
);

const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 12, arbitrary: event.map((each): Op => ({ op: "publish", event: each })) },
  {
    weight: 3,
    arbitrary: fc.integer({ min: 1, max: 6 }).map((maxEvents): Op => ({ op: "take", maxEvents })),
  },
  { weight: 3, arbitrary: fc.constantFrom<Op>({ op: "acknowledge" }, { op: "fail" }, { op: "hold" }) },
  { weight: 1, arbitrary: fc.nat(60).map((ms): Op => ({ op: "later", ms })) },
);

const isProgress = ({ type }: PublishEvent) => type === "photo.upload.progressed";
const bytesOf = ({ data }: PublishEvent) => ("bytesTransferred" in data ? data.bytesTransferred : -1);
const totalOf = ({ data }: PublishEvent) => ("totalBytes" in data ? (data.totalBytes ?? -1) : -1);

/** Runs the operations, then lets everything arrive. */
function drive(ops: readonly Op[], maxPending: number) {
  const queue = new PublishQueue({ maxPending, flushIntervalMs: 5, publishTimeoutMs: 1e9 });
  const published: { readonly event: Envelope; readonly slot: Slot }[] = [];
  const arrived: Slot[] = [];
  let nowMs = 0;
  let inFlight: readonly Slot[] = [];
  let turnedAway = 0;

  const acknowledge = () => {
    for (const slot of inFlight) {
      arrived.push(slot);
      queue.settle();
    }
    inFlight = [];
  };
  const take = (maxEvents: number) => {
    if (inFlight.length > 0) return;
    inFlight = queue.take(nowMs, { maxEvents, maxBytes: 1_000_000 }).slots;
  };

  for (const each of ops) {
    if (each.op === "later") nowMs += each.ms;
    else if (each.op === "take") take(each.maxEvents);
    else if (each.op === "acknowledge") acknowledge();
    else if (each.op === "publish") {
      const envelope = envelopeOf(each.event, "test");
      const slot = queue.offer(envelope, nowMs);
      if (slot === null) turnedAway += 1;
      else published.push({ event: envelope, slot });
      expect(queue.pending).toBeLessThanOrEqual(maxPending);
      expect(queue.pending + queue.waiting).toBeLessThanOrEqual(2 * maxPending);
    } else {
      // The hub rejects all of a job or nothing of it when it doesn't know the owner.
      if (each.op === "fail") queue.putBack(inFlight);
      else for (const slot of inFlight) queue.hold(slot, nowMs + 20);
      inFlight = [];
    }
  }
  for (let round = 0; queue.pending + queue.waiting > 0; round += 1) {
    if (round > 10_000) throw new Error("the queue never empties");
    nowMs += 100;
    acknowledge();
    take(5);
  }
  return { queue, published, arrived, turnedAway };
}

it("brings everything but superseded progress, each photo and job in order, whatever fails in between", () => {
  fc.assert(
    fc.property(fc.array(op, { maxLength: 120 }), fc.integer({ min: 1, max: 12 }), (ops, maxPending) => {
      const { queue, published, arrived } = drive(ops, maxPending);

      // Every slot arrives once, and none that nobody published.
      const slots = new Set(published.map(({ slot }) => slot));
      expect(new Set(arrived)).toEqual(slots);
      expect(arrived).toHaveLength(slots.size);
      expect(published.length - slots.size).toBe(queue.superseded);

      // Only progress shares a slot.
      const kept = published.filter(({ event }) => !isProgress(event));
      expect(new Set(kept.map(({ slot }) => slot)).size).toBe(kept.length);
      for (const { event, slot } of kept) expect(slot.event).toBe(event);

      // What arrives is the greatest of those it stands for, as it was encoded.
      for (const slot of arrived.filter((each) => isProgress(each.event))) {
        const parts = published.filter((each) => each.slot === slot).map(({ event }) => event);
        expect(bytesOf(slot.event)).toBe(Math.max(...parts.map(bytesOf)));
        expect(totalOf(slot.event)).toBe(Math.max(...parts.map(totalOf)));
        expect(JSON.parse(slot.json)).toMatchObject({
          id: slot.event.id,
          data: { bytesTransferred: bytesOf(slot.event) },
        });
        expect(slot.event.id).toBe(parts.at(-1)?.id);
      }

      // Each job's events arrive in the order of publishing; a slot stands where its first event stood.
      for (const jobId of ["j1", "j2"]) {
        const wanted = [...slots].filter(({ event }) => event.data.jobId === jobId);
        expect(arrived.filter(({ event }) => event.data.jobId === jobId)).toEqual(wanted);
      }
    }),
    {
      numRuns: 300,
      examples: [
        [
          [
            { op: "publish", event: { type: "photo.upload.started", data: { jobId: "j2", photoId: "a" } } },
            {
              op: "publish",
              event: {
                type: "photo.upload.progressed",
                data: { jobId: "j2", photoId: "a", bytesTransferred: 0 },
              },
            },
            { op: "take", maxEvents: 2 },
            { op: "fail" },
            { op: "take", maxEvents: 1 },
            { op: "hold" },
          ],
          2,
        ],
      ],
    },
  );
});

it("ends each photo with its last state", () => {
  fc.assert(
    fc.property(fc.array(event, { minLength: 1, maxLength: 60 }), (events) => {
      const ops = events.map((each): Op => ({ op: "publish", event: each }));
      const { published, arrived } = drive(ops, 1_000);
      const keyOf = ({ data }: PublishEvent) => `${data.jobId}/${"photoId" in data ? data.photoId : ""}`;
      for (const key of new Set(events.map(keyOf))) {
        const last = published.filter((each) => keyOf(each.event) === key).at(-1);
        const lastArrived = arrived.filter((each) => keyOf(each.event) === key).at(-1);
        expect(lastArrived).toBe(last?.slot);
        expect(lastArrived?.event.type).toBe(last?.event.type);
      }
    }),
  );
});
