import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isUserId } from "../../src/auth/user-id.ts";
import type { DomainEvent } from "../../src/domain/events.ts";
import { HubError } from "../../src/errors.ts";
import { decodeCloudEvents, decodeHeaderValue } from "../../src/ingest/cloudevents.ts";
import { admitEvent, isRejection } from "../../src/ingest/gate.ts";

const TYPES = [
  "uploadjob.created",
  "uploadjob.completed",
  "uploadjob.cancelled",
  "photo.upload.started",
  "photo.upload.progressed",
  "photo.upload.completed",
  "photo.upload.failed",
  "photo.upload.cancelled",
];
const ID = /^[A-Za-z0-9._:@-]{1,128}$/;
const id = fc.stringMatching(ID);
const userId = fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 }).filter(isUserId);
const integer = fc.maxSafeNat();

/** Complete and right. */
const rightData = fc.record({
  jobId: id,
  photoId: id,
  userId,
  photoCount: integer,
  totalBytes: integer,
  bytesTransferred: integer,
  attempt: integer.map((n) => Math.max(1, n)),
  title: fc.string({ maxLength: 20 }),
  fileName: fc.string({ maxLength: 20 }),
  error: fc.record({ code: fc.string({ maxLength: 20 }), message: fc.string({ maxLength: 20 }) }),
});
const rightEvent = fc.record({
  specversion: fc.constant("1.0"),
  id: fc.string({ minLength: 1 }),
  source: fc.string({ minLength: 1 }),
  type: fc.constantFrom(...TYPES),
  jobscope: fc.constantFrom("user", null),
  data: rightData,
});
/** Any value of JSON, with numbers and texts near the edges more often than chance would. */
const anyValue = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom(-1, 0.5, 2 ** 53, 2 ** 53 - 1, "NaN", "", " ", "a b", "\ud800", "\u0000", "__proto__"),
);
/** A right event with some of its fields put wrong, left out, or replaced by anything. */
const nearlyRight = fc
  .tuple(
    rightEvent,
    fc.dictionary(
      fc.constantFrom("specversion", "id", "source", "type", "jobscope", "datacontenttype"),
      anyValue,
      { maxKeys: 1 },
    ),
    fc.dictionary(
      fc.constantFrom(
        "jobId",
        "photoId",
        "userId",
        "attempt",
        "bytesTransferred",
        "totalBytes",
        "error",
        "title",
      ),
      anyValue,
    ),
  )
  .map(([event, attributes, fields]): unknown => ({
    ...event,
    ...attributes,
    data: { ...event.data, ...fields },
  }));

function expectSound(event: DomainEvent): void {
  expect(TYPES).toContain(event.type);
  expect(event.jobId).toMatch(ID);
  if (event.userId !== null) expect(isUserId(event.userId)).toBe(true);
  if ("photoId" in event) expect(event.photoId).toMatch(ID);
  for (const value of Object.values(event)) {
    if (typeof value === "number") expect(Number.isSafeInteger(value) && value >= 0).toBe(true);
    else expect(["string", "object"]).toContain(typeof value);
  }
  if ("attempt" in event && event.attempt !== null) expect(event.attempt).toBeGreaterThanOrEqual(1);
}

describe("gate", () => {
  it("gives an event that keeps every rule, or a rejection, for any value, and never throws", () => {
    let admitted = 0;
    let refused = 0;
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), nearlyRight), (value) => {
        const before = JSON.stringify(value);
        const result = admitEvent(value);
        if (isRejection(result)) {
          refused += 1;
          expect(["invalid_field", "unknown_type"]).toContain(result.code);
          expect(result.message).not.toBe("");
        } else {
          admitted += 1;
          expectSound(result);
        }
        expect(JSON.stringify(value)).toBe(before);
      }),
      { numRuns: 3_000 },
    );
    // Else the generators would have drifted to one side, and the property would say nothing.
    expect(Math.min(admitted, refused)).toBeGreaterThan(100);
  });

  it("admits every right event with its fields as they were", () => {
    fc.assert(
      fc.property(rightEvent, (value) => {
        const result = admitEvent(JSON.parse(JSON.stringify(value)));
        if (isRejection(result)) throw new Error(result.message);
        for (const [name, field] of Object.entries(result)) {
          if (name === "scope") expect(field).toBe(value.jobscope ?? "bound");
          else if (name in value.data) expect(field).toEqual(Reflect.get(value.data, name));
          else expect(field).toBe(Reflect.get(value, name));
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("request bodies", () => {
  const contentTypes = fc.oneof(
    fc.constantFrom(
      "application/cloudevents+json",
      "application/cloudevents-batch+json",
      "application/json",
      "application/cloudevents-batch+json; charset=UTF-8",
    ),
    fc.string(),
  );

  it("give results or an error of the catalogue, whatever the bytes and headers are", () => {
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc.json().map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(body, contentTypes, fc.string(), (bytes, type, ceId) => {
        try {
          const results = decodeCloudEvents(bytes, { "content-type": type, "ce-id": ceId }, 10);
          expect(Array.isArray(results)).toBe(true);
        } catch (error) {
          if (!(error instanceof HubError)) throw error;
          expect(["malformed_json", "unsupported_media_type", "batch_too_large"]).toContain(error.code);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("header values come back from their encoding", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(decodeHeaderValue(encodeURIComponent(text))).toBe(text);
      }),
    );
  });
});
