import fc from "fast-check";
import { expect, it } from "vitest";
import { createPublisher, type PublishEvent } from "../../src/index.ts";
import {
  accept,
  problem,
  reset,
  type Step,
  startScriptedHub,
} from "../integration/publisher/scripted-hub.ts";

const steps: Readonly<Record<string, Step>> = {
  accept,
  reset,
  unavailable: problem(503, "store_unavailable"),
  limited: problem(429, "rate_limited", { "retry-after": "0" }),
  // Committed, but the answer is lost: everything is sent twice.
  lost: (batch, response) => {
    accept(batch, response);
    response.socket?.resetAndDestroy();
  },
};

const photoIds = ["a", "b", "c"];
const ENDINGS = ["photo.upload.completed", "photo.upload.cancelled"] as const;

it("brings every photo's ending and its greatest bytes to the hub, over HTTP that fails at random", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...Object.keys(steps)), { maxLength: 8 }),
      fc.array(
        fc.record({ photoId: fc.constantFrom(...photoIds), bytes: fc.nat(1_000), pause: fc.boolean() }),
        {
          maxLength: 60,
        },
      ),
      fc.array(fc.constantFrom(...ENDINGS), { minLength: photoIds.length, maxLength: photoIds.length }),
      async (script, progresses, endings) => {
        const hub = await startScriptedHub();
        const publisher = createPublisher({
          url: hub.url,
          token: "secret",
          flushIntervalMs: 1,
          maxBatch: 7,
          retry: { minMs: 1, maxMs: 4 },
        });
        try {
          hub.script(...script.map((name) => steps[name] ?? accept));
          const promises: Promise<void>[] = [];
          const send = (event: PublishEvent) => promises.push(publisher.publish(event));
          for (const photoId of photoIds)
            send({ type: "photo.upload.started", data: { jobId: "j", photoId } });
          for (const { photoId, bytes, pause } of progresses) {
            send({ type: "photo.upload.progressed", data: { jobId: "j", photoId, bytesTransferred: bytes } });
            if (pause) await new Promise((resolve) => setImmediate(resolve));
          }
          photoIds.forEach((photoId, index) => {
            send({ type: endings[index] ?? "photo.upload.completed", data: { jobId: "j", photoId } });
          });
          await Promise.all(promises);

          const firsts = [...new Map(hub.accepted.map((event) => [event.id, event])).values()];
          photoIds.forEach((photoId, index) => {
            const mine = firsts.filter(({ data }) => data.photoId === photoId);
            expect(mine.at(0)?.type).toBe("photo.upload.started");
            expect(mine.at(-1)?.type).toBe(endings[index]);
            const sent = progresses.filter((each) => each.photoId === photoId).map(({ bytes }) => bytes);
            const heard = mine.slice(1, -1).map(({ data }) => Number(data.bytesTransferred));
            expect(Math.max(-1, ...heard)).toBe(Math.max(-1, ...sent));
          });
          expect(publisher.stats()).toMatchObject({ pending: 0, waiting: 0, rejected: 0 });
        } finally {
          await publisher.close(0);
          await hub.close();
        }
      },
    ),
    { numRuns: 40 },
  );
});
