import { describe, expect, it } from "vitest";
import { envelopeOf, type PublishEvent } from "../../src/publisher/events.ts";
import { PublishQueue } from "../../src/publisher/queue.ts";

const LIMITS = { maxPending: 100, flushIntervalMs: 20, publishTimeoutMs: 1_000 };
const BATCH = { maxEvents: 100, maxBytes: 1_000_000 };

function progress(
  photoId: string,
  bytesTransferred: number,
  more: Record<string, unknown> = {},
): PublishEvent {
  return { type: "photo.upload.progressed", data: { jobId: "j", photoId, bytesTransferred, ...more } };
}

function started(photoId: string): PublishEvent {
  return { type: "photo.upload.started", data: { jobId: "j", photoId } };
}

function completed(photoId: string): PublishEvent {
  return { type: "photo.upload.completed", data: { jobId: "j", photoId } };
}

function queueOf(limits = LIMITS) {
  const queue = new PublishQueue(limits);
  return {
    queue,
    offer: (event: PublishEvent, nowMs = 0) => queue.offer(envelopeOf(event, "test"), nowMs),
    /** What a request would carry, in short: `p1:200` for progress, `p1 completed` and `created` for the others. */
    take: (limits = BATCH) => queue.take(0, limits).slots.map(({ event }) => short(event)),
  };
}

function short({ type, data }: PublishEvent): string {
  if ("bytesTransferred" in data) return `${data.photoId}:${data.bytesTransferred}`;
  const what = type.slice(type.lastIndexOf(".") + 1);
  return "photoId" in data ? `${data.photoId} ${what}` : what;
}

describe("a photo's slot", () => {
  it("holds only the newest progress, in the place of the first", () => {
    const { queue, offer, take } = queueOf();
    const slots = [progress("a", 1), progress("b", 1), progress("a", 2), progress("a", 3)].map((event) =>
      offer(event),
    );
    expect(slots[2]).toBe(slots[0]);
    expect(slots[3]).toBe(slots[0]);
    expect(queue.superseded).toBe(2);
    expect(queue.pending).toBe(2);
    expect(take()).toEqual(["a:3", "b:1"]);
  });

  it("keeps the greatest bytes and the total either of them knew", () => {
    const { queue, offer } = queueOf();
    offer(progress("a", 500, { totalBytes: 1_000 }));
    offer(progress("a", 300));
    const [slot] = queue.take(0, BATCH).slots;
    expect(slot?.event.data).toMatchObject({ bytesTransferred: 500, totalBytes: 1_000 });
    expect(JSON.parse(slot?.json ?? "")).toMatchObject({
      data: { bytesTransferred: 500, totalBytes: 1_000 },
    });
  });

  it("never merges over a start, an ending or an event of the job", () => {
    const { offer, take } = queueOf();
    const jobEnd: PublishEvent = { type: "uploadjob.cancelled", data: { jobId: "j" } };
    for (const event of [
      started("a"),
      progress("a", 1),
      completed("a"),
      progress("a", 2),
      started("a"),
      progress("a", 3),
      jobEnd,
      progress("a", 4),
    ]) {
      offer(event);
    }
    expect(take()).toEqual([
      "a started",
      "a:1",
      "a completed",
      "a:2",
      "a started",
      "a:3",
      "cancelled",
      "a:4",
    ]);
  });

  it.each([
    ["attempt", { attempt: 2 }],
    ["user", { userId: "someone" }],
    ["job", { jobId: "other" }],
    ["invalid bytes", { bytesTransferred: 1.5 }],
    ["invalid total", { totalBytes: -1 }],
  ])("never merges with another %s", (_what, more) => {
    const { queue, offer } = queueOf();
    offer(progress("a", 1));
    offer(progress("a", 2, more));
    expect(queue.superseded).toBe(0);
    expect(queue.take(0, BATCH).slots).toHaveLength(2);
  });

  it("never merges into what was sent, also when it is sent again", () => {
    const { queue, offer, take } = queueOf();
    offer(progress("a", 1));
    const { slots } = queue.take(0, BATCH);
    offer(progress("a", 2));
    queue.putBack(slots);
    offer(progress("a", 3));
    expect(take()).toEqual(["a:1", "a:3"]);
  });

  it("leaves the slot as it was when the newer event can't be encoded", () => {
    const { offer, take } = queueOf();
    offer(progress("a", 1));
    expect(() => offer(progress("a", 2, { extra: 1n }))).toThrow(TypeError);
    expect(take()).toEqual(["a:1"]);
  });
});

describe("a batch", () => {
  it("is ready after the interval, or at once when it is full", () => {
    const { queue, offer } = queueOf();
    expect(queue.readyInMs(0, 2)).toBeNull();
    offer(progress("a", 1), 100);
    expect(queue.readyInMs(105, 2)).toBe(15);
    // Superseding must not put it off again and again.
    offer(progress("a", 2), 115);
    expect(queue.readyInMs(120, 2)).toBe(0);
    offer(progress("b", 1), 106);
    expect(queue.readyInMs(106, 2)).toBe(0);
  });

  it("keeps to its limits, but takes one event that alone is too large", () => {
    const { queue, offer, take } = queueOf();
    for (const photo of ["a", "b", "c"]) offer(completed(photo));
    expect(take({ maxEvents: 2, maxBytes: 1_000_000 })).toEqual(["a completed", "b completed"]);
    expect(take({ maxEvents: 2, maxBytes: 1 })).toEqual(["c completed"]);
    for (const photo of ["a", "b", "c"]) offer(completed(photo));
    const { body } = queue.take(0, { maxEvents: 3, maxBytes: 450 });
    expect(JSON.parse(body)).toHaveLength(2);
    expect(body.length).toBeLessThanOrEqual(450);
  });
});

describe("a held job", () => {
  it("keeps its later events behind it, and nobody else's", () => {
    const { queue, offer, take } = queueOf();
    offer(started("a"));
    const [slot] = queue.take(0, BATCH).slots;
    if (slot === undefined) throw new Error("nothing was taken");
    queue.hold(slot, 500);
    offer(completed("a"));
    offer({ type: "photo.upload.completed", data: { jobId: "other", photoId: "x" } });
    expect(take()).toEqual(["x completed"]);
    expect(queue.pending).toBe(3);
    expect(queue.readyInMs(100, 10)).toBe(400);
    expect(queue.take(500, BATCH).slots.map(({ event }) => short(event))).toEqual([
      "a started",
      "a completed",
    ]);
  });

  it("goes at once with an event that names its owner", () => {
    const { queue, offer, take } = queueOf();
    offer(started("a"));
    const [slot] = queue.take(0, BATCH).slots;
    if (slot === undefined) throw new Error("nothing was taken");
    queue.hold(slot, 500);
    offer(progress("a", 1));
    offer({ type: "uploadjob.created", data: { jobId: "j", userId: "u" } });
    offer(completed("a"));
    expect(take()).toEqual(["a started", "a:1", "created", "a completed"]);
  });
});

describe("a full queue", () => {
  it("lets as many wait, turns the rest away, and admits in order", () => {
    const { queue, offer, take } = queueOf({ ...LIMITS, maxPending: 2 });
    for (const photo of ["a", "b", "c", "d"]) expect(offer(completed(photo))).not.toBeNull();
    expect(offer(completed("e"))).toBeNull();
    expect([queue.pending, queue.waiting]).toEqual([2, 2]);
    expect(take()).toEqual(["a completed", "b completed"]);
    queue.settle();
    expect([queue.pending, queue.waiting]).toEqual([2, 1]);
    expect(take()).toEqual(["c completed"]);
  });

  it("still takes progress that needs no place of its own", () => {
    const { queue, offer } = queueOf({ ...LIMITS, maxPending: 1 });
    offer(progress("a", 1));
    offer(progress("b", 1));
    expect(offer(progress("c", 1))).toBeNull();
    expect(offer(progress("a", 2))).not.toBeNull();
    expect(offer(progress("b", 2))?.event.data).toMatchObject({ bytesTransferred: 2 });
    expect(queue.superseded).toBe(2);
  });

  it("times out those who waited too long, and only them", () => {
    const { queue, offer } = queueOf({ ...LIMITS, maxPending: 2 });
    offer(completed("x"), 0);
    offer(completed("a"), 0);
    const late = offer(completed("b"), 10);
    offer(completed("c"), 20);
    expect(queue.nextTimeoutMs()).toBe(1_010);
    expect(queue.timeOut(1_009)).toEqual([]);
    expect(queue.timeOut(1_010)).toEqual([late]);
    expect(queue.nextTimeoutMs()).toBe(1_020);
    expect([queue.pending, queue.waiting]).toEqual([2, 1]);
  });
});
