import { describe, expect, it } from "vitest";
import { type ErrorCode, errorCatalogue } from "../../src/errors.ts";
import { isRejection } from "../../src/ingest/gate.ts";
import { admitEntry, readEntries } from "../../src/ingest/stream-entries.ts";
import { fateOf, MAX_DELIVERIES, retryAfterMs } from "../../src/ingest/stream-fate.ts";

const entry = (...fields: readonly (string | Buffer)[]) => ({
  id: "1-0",
  fields: fields.map((field) => Buffer.from(field)),
  deliveries: 1,
});
const event = {
  specversion: "1.0",
  id: "e",
  source: "s",
  type: "photo.upload.completed",
  data: { jobId: "j", photoId: "p" },
};
const admit = (...fields: readonly (string | Buffer)[]) => admitEntry(entry(...fields), 1_000);

describe("an entry of the stream", () => {
  it("is an event as over HTTP, whatever fields are beside it", () => {
    const result = admit("trace", "x", "event", JSON.stringify(event));
    expect(result).toMatchObject({
      type: "photo.upload.completed",
      jobId: "j",
      photoId: "p",
      scope: "bound",
    });
  });

  it.each([
    ["no field `event`", ["data", "{}"], "invalid_field"],
    ["no JSON", ["event", '{"specversion":'], "malformed_json"],
    ["no UTF-8", ["event", Buffer.from([0x22, 0xff, 0x22])], "malformed_json"],
    ["a batch", ["event", JSON.stringify([event])], "malformed_json"],
    ["a wrong field", ["event", JSON.stringify({ ...event, data: { jobId: "j" } })], "invalid_field"],
    ["an unknown type", ["event", JSON.stringify({ ...event, type: "x" })], "unknown_type"],
    ["too many bytes", ["event", JSON.stringify({ ...event, more: "x".repeat(1_000) })], "body_too_large"],
  ] as const)("with %s is refused", (_what, fields, code) => {
    const result = admit(...fields);
    expect(isRejection(result)).toBe(true);
    expect(result).toMatchObject({ code });
    if (isRejection(result)) expect(fateOf(result.code, 1)).toBe("dead");
  });

  it("is read as Redis gives it; one that was deleted is left out", () => {
    const reply = [
      [Buffer.from("1-0"), [Buffer.from("event"), Buffer.from("{}")]],
      [Buffer.from("2-0"), null],
    ];
    expect(readEntries(reply, () => 3)).toEqual([{ ...entry("event", "{}"), deliveries: 3 }]);
    expect(readEntries(null, () => 1)).toEqual([]);
  });
});

describe("the fate of an entry", () => {
  const codes = Object.keys(errorCatalogue) as ErrorCode[];

  it("of what passes by itself is to be held, however often it was given", () => {
    for (const code of [
      "overloaded",
      "draining",
      "store_unavailable",
      "rate_limited",
      "internal_error",
    ] as const)
      expect(fateOf(code, 1_000)).toBe("hold");
  });

  it("of what depends on other events is to be given again, a bounded number of times", () => {
    for (const code of ["owner_unknown", "too_many_jobs"] as const) {
      expect(fateOf(code, 1)).toBe("later");
      expect(fateOf(code, MAX_DELIVERIES - 1)).toBe("later");
      expect(fateOf(code, MAX_DELIVERIES)).toBe("dead");
    }
  });

  it("of everything that can't be accepted as it is, is a dead letter", () => {
    const dead = codes.filter((code) => fateOf(code, 1) === "dead");
    for (const code of [
      "malformed_json",
      "invalid_field",
      "unknown_type",
      "owner_mismatch",
      "too_many_photos",
    ] as const)
      expect(dead).toContain(code);
    for (const code of dead) expect(errorCatalogue[code].retryable).toBe(false);
  });

  it("comes later each time", () => {
    expect([1, 2, 3, 4, 5, 6, 9].map(retryAfterMs)).toEqual([
      1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000,
    ]);
  });
});
