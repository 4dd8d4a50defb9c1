import { beforeEach, expect, test } from "vitest";
import { IngestLane } from "../../bench/ingest/lane.ts";
import { PollingLane } from "../../bench/ingest/polling-lane.ts";

const STEP = 65_536;
let lane: IngestLane;

beforeEach(() => {
  const options = { name: "lane", ingestToken: "secret", form: "batch", eventsPerBatch: 2 } as const;
  lane = new IngestLane({ ...options, photos: 3 });
});

const answer = (accepted: number, rejected: readonly object[] = []) =>
  JSON.stringify({ accepted, unchanged: 0, rejected });

test("every event of a lane has an id of its own and moves its photo on", () => {
  const events = [1, 2, 3].flatMap(() => JSON.parse(lane.next().body));
  expect(events.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6].map((k) => `lane-${k}`));
  expect(events.map(({ data }) => [data.photoId, data.bytesTransferred])).toEqual([
    ["photo-0", STEP],
    ["photo-1", STEP],
    ["photo-2", STEP],
    ["photo-0", 2 * STEP],
    ["photo-1", 2 * STEP],
    ["photo-2", 2 * STEP],
  ]);
});

test("a single is one structured event", () => {
  const single = new IngestLane({
    name: "lane",
    ingestToken: "secret",
    form: "single",
    eventsPerBatch: 2,
    photos: 1,
  });
  const { headers, body } = single.next();
  expect(headers["content-type"]).toBe("application/cloudevents+json");
  expect(JSON.parse(body)).toMatchObject({ id: "lane-1", type: "photo.upload.progressed" });
});

test("what was acknowledged is what must be shown", () => {
  lane.next();
  lane.answered(200, answer(2));
  expect([...lane.photos]).toEqual([
    ["photo-0", { least: STEP, most: STEP }],
    ["photo-1", { least: STEP, most: STEP }],
  ]);
  expect(lane).toMatchObject({ sent: 2, accepted: 2, unclear: 0 });
});

test.each([
  ["no answer", () => undefined, { unclear: 1, rejected: 0 }],
  ["another answer", () => lane.answered(503, '{"code":"overloaded"}'), { unclear: 1, rejected: 0 }],
  ["a rejection", () => lane.answered(422, answer(0, [{ code: "a" }, { code: "b" }])), { rejected: 2 }],
])("with %s, photos may have been moved on or not", (_, answered, counts) => {
  lane.next();
  answered();
  lane.next();
  lane.answered(200, answer(2));
  expect([...lane.photos.values()]).toEqual([
    { least: 2 * STEP, most: 2 * STEP },
    { least: 0, most: STEP },
    { least: STEP, most: STEP },
  ]);
  expect(lane).toMatchObject({ sent: 4, accepted: 2, ...counts });
});

test("a polling lane asks for what is newer than the last head", () => {
  const polling = new PollingLane("token");
  expect(polling.next().path).toBe("/api/v1/upload-progress");
  polling.answered(200, JSON.stringify({ id: "e-7", jobs: [], messages: [{ bytesTransferred: 1 }] }));
  expect(polling.next().path).toBe("/api/v1/upload-progress?since=e-7");
  polling.answered(503, "");
  polling.answered(200, "<html>");
  expect(polling.next().path).toBe("/api/v1/upload-progress?since=e-7");
  expect(polling).toMatchObject({ messages: 1, malformed: 1 });
});
