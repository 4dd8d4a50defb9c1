import { describe, expect, it } from "vitest";
import { admitEvent, type GateResult, isRejection } from "../../src/ingest/gate.ts";

const photo = { jobId: "job-1", photoId: "photo-1", userId: "u" };

function event(type: string, data: unknown, attributes: object = {}): unknown {
  return { specversion: "1.0", id: "e1", source: "/s", type, data, ...attributes };
}

function progressed(data: object, attributes: object = {}): GateResult {
  return admitEvent(event("photo.upload.progressed", { ...photo, bytesTransferred: 1, ...data }, attributes));
}

function refusal(result: GateResult): string {
  return isRejection(result) ? `${result.code}: ${result.message}` : "admitted";
}

describe("gate: the events table", () => {
  const base = { source: "/s", id: "e1", jobId: "job-1", userId: "u", scope: "bound" };
  const photoBase = { ...base, photoId: "photo-1", attempt: null };

  it.each([
    [
      "uploadjob.created",
      { ...photo, photoCount: 3, totalBytes: 0, title: "Trip" },
      { ...base, photoCount: 3, totalBytes: 0, title: "Trip" },
    ],
    ["uploadjob.created", photo, { ...base, photoCount: null, totalBytes: null, title: null }],
    ["uploadjob.completed", { ...photo, photoCount: 0 }, { ...base, photoCount: 0 }],
    ["uploadjob.cancelled", photo, base],
    [
      "photo.upload.started",
      { ...photo, totalBytes: 8, fileName: "a.jpg", attempt: 2 },
      { ...photoBase, attempt: 2, totalBytes: 8, fileName: "a.jpg" },
    ],
    [
      "photo.upload.progressed",
      { ...photo, bytesTransferred: 5, totalBytes: null },
      { ...photoBase, bytesTransferred: 5, totalBytes: null },
    ],
    ["photo.upload.completed", { ...photo, totalBytes: 8 }, { ...photoBase, totalBytes: 8 }],
    [
      "photo.upload.failed",
      { ...photo, error: { code: "io", message: "disk", extra: 1 } },
      { ...photoBase, error: { code: "io", message: "disk" } },
    ],
    ["photo.upload.cancelled", { ...photo, attempt: null }, photoBase],
  ])("%s", (type, data, expected) => {
    expect(admitEvent(event(type, data))).toEqual({ type, ...expected });
  });

  it("rejects unknown types, also names every object has", () => {
    for (const type of ["photo.upload.paused", "constructor", "__proto__", "toString"]) {
      expect(refusal(admitEvent(event(type, photo)))).toBe(
        `unknown_type: type ${JSON.stringify(type)} is not in the table of events`,
      );
    }
  });

  it("asks uploadjob.created for its owner, and no other event of a bound job", () => {
    const { userId: _, ...anonymous } = photo;
    expect(refusal(admitEvent(event("uploadjob.created", anonymous)))).toMatch(
      /^invalid_field: userId is required/,
    );
    expect(admitEvent(event("uploadjob.completed", anonymous))).toMatchObject({ userId: null });
    expect(progressed({ userId: null })).toMatchObject({ userId: null });
  });
});

describe("gate: the envelope", () => {
  it.each([
    [{ specversion: "0.3" }, "specversion"],
    [{ specversion: 1 }, "specversion"],
    [{ source: "" }, "source"],
    [{ source: undefined }, "source"],
    [{ type: 5 }, "type"],
    [{ jobscope: "User" }, "jobscope"],
    [{ jobscope: true }, "jobscope"],
    [{ datacontenttype: "text/plain" }, "datacontenttype"],
    [{ datacontenttype: "json" }, "datacontenttype"],
    [{ datacontenttype: 7 }, "datacontenttype"],
    [{ data: [] }, "data"],
    [{ data: '{"jobId":"j"}' }, "data"],
    [{ data: null }, "data"],
    [{ data: undefined }, "data"],
  ])("rejects %j", (attributes, name) => {
    const result = progressed({}, attributes);
    expect(result).toMatchObject({ id: "e1", code: "invalid_field" });
    expect(refusal(result)).toContain(`: ${name} must be`);
  });

  it.each([[null], [5], ["x"], [[]], [{}], [{ id: "" }], [{ id: 5 }]])(
    "rejects %j, without an id",
    (value) => {
      expect(admitEvent(value)).toMatchObject({ id: null, code: "invalid_field" });
    },
  );

  it.each([
    "application/json",
    "application/json; charset=utf-8",
    "APPLICATION/JSON",
    "text/json",
    "application/vnd.photo+json;v=1",
    null,
  ])("accepts datacontenttype %s", (datacontenttype) => {
    expect(refusal(progressed({}, { datacontenttype }))).toBe("admitted");
  });

  it("takes JSON from data_base64, and nothing else", () => {
    const data = { ...photo, bytesTransferred: 9 };
    const base64 = (text: string) => Buffer.from(text).toString("base64");
    const put = (data_base64: unknown, more: object = {}) =>
      admitEvent(event("photo.upload.progressed", undefined, { data_base64, ...more }));
    expect(put(base64(JSON.stringify(data)))).toMatchObject({ photoId: "photo-1", bytesTransferred: 9 });
    for (const wrong of ["!!", base64("[1]"), base64("{"), 5])
      expect(refusal(put(wrong))).toContain("data_base64");
    expect(refusal(put(base64("{}"), { data }))).toContain("exclude each other");
  });

  it("gives scope user with an owner alone", () => {
    expect(progressed({}, { jobscope: "user" })).toMatchObject({ scope: "user", userId: "u" });
    expect(refusal(progressed({ userId: null }, { jobscope: "user" }))).toMatch(/userId is required/);
  });
});

describe("gate: fields", () => {
  it.each(["a", "A-Z.0_9:@-", "x".repeat(128)])("accepts the id %s", (id) => {
    expect(progressed({ jobId: id, photoId: id })).toMatchObject({ jobId: id, photoId: id });
  });

  it.each(["", "a b", "a/b", "a+b", "é", "x".repeat(129), "a\n", 5, null, undefined, {}])(
    "rejects the id %j",
    (id) => {
      expect(refusal(progressed({ jobId: id }))).toContain("invalid_field: jobId ");
      expect(refusal(progressed({ photoId: id }))).toContain("128 characters of A-Z a-z 0-9 . _ : @ -");
    },
  );

  it.each(["auth0|42", "a+b@x.com", " ", "é".repeat(128), "😀".repeat(64), "x".repeat(256)])(
    "accepts the user %s",
    (userId) => {
      expect(progressed({ userId })).toMatchObject({ userId });
    },
  );

  it.each([
    "",
    "x".repeat(257),
    "é".repeat(129),
    "a\u0000",
    "a\u007f",
    "a\u0085",
    "\ud800",
    "a\udc00b",
    42,
    {},
  ])("rejects the user %j", (userId) => {
    expect(refusal(progressed({ userId }))).toContain("invalid_field: userId must be");
  });

  it.each([-1, 0.5, 2 ** 53, 1e300, "NaN", "5", Number.NaN, Number.POSITIVE_INFINITY, true, {}, []])(
    "rejects the number %j wherever it stands",
    (number) => {
      const rule = "must be an integer from 0 to 9007199254740991";
      expect(refusal(progressed({ bytesTransferred: number }))).toBe(
        `invalid_field: bytesTransferred ${rule}`,
      );
      expect(refusal(progressed({ totalBytes: number }))).toBe(`invalid_field: totalBytes ${rule}`);
      expect(refusal(admitEvent(event("uploadjob.created", { ...photo, photoCount: number })))).toContain(
        rule,
      );
      expect(refusal(progressed({ attempt: number }))).toContain("attempt must be an integer from 1 to");
    },
  );

  it("takes the whole range, null for unknown, and turns -0 into 0", () => {
    expect(progressed({ bytesTransferred: 2 ** 53 - 1, attempt: 1 })).toMatchObject({
      bytesTransferred: 2 ** 53 - 1,
    });
    expect(progressed({ bytesTransferred: -0 })).toHaveProperty("bytesTransferred", 0);
    expect(refusal(progressed({ attempt: 0 }))).toContain("attempt must be");
    expect(refusal(progressed({ bytesTransferred: null }))).toContain("bytesTransferred is required");
  });

  it("cuts long texts, never in mid-character, and repairs broken Unicode", () => {
    const started = (fileName: unknown) => admitEvent(event("photo.upload.started", { ...photo, fileName }));
    expect(started("x".repeat(5_000))).toMatchObject({ fileName: "x".repeat(1_024) });
    expect(started(`${"x".repeat(1_023)}😀`)).toMatchObject({ fileName: "x".repeat(1_023) });
    expect(started(`${"x".repeat(1_022)}😀y`)).toMatchObject({ fileName: `${"x".repeat(1_022)}😀` });
    expect(started("a\ud800b")).toMatchObject({ fileName: "a\ufffdb" });
    expect(refusal(started(5))).toBe("invalid_field: fileName must be a string");
    const failed = admitEvent(
      event("photo.upload.failed", {
        ...photo,
        error: { code: "c".repeat(200), message: "m".repeat(2_000) },
      }),
    );
    expect(failed).toMatchObject({ error: { code: "c".repeat(128), message: "m".repeat(1_024) } });
  });

  it.each([undefined, null, "boom", {}, { code: "x" }, { code: 1, message: "x" }, { message: "x" }])(
    "rejects failed with the error %j",
    (error) => {
      expect(refusal(admitEvent(event("photo.upload.failed", { ...photo, error })))).toContain(
        "invalid_field: error",
      );
    },
  );

  it("takes nothing over from prototype keys and extra fields", () => {
    const hostile: unknown = JSON.parse(
      `{"specversion":"1.0","id":"e","source":"s","type":"uploadjob.cancelled","__proto__":{"jobscope":"user"},
        "constructor":{"prototype":{"polluted":1}},
        "data":{"jobId":"j","userId":"u","__proto__":{"photoCount":1},"extra":{"a":1}}}`,
    );
    const result = admitEvent(hostile);
    expect(result).toEqual({
      type: "uploadjob.cancelled",
      source: "s",
      id: "e",
      jobId: "j",
      userId: "u",
      scope: "bound",
    });
    expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
    expect(Reflect.get({}, "polluted")).toBeUndefined();
    const onlyInherited: unknown = JSON.parse(
      '{"specversion":"1.0","id":"e","source":"s","type":"uploadjob.cancelled","data":{"__proto__":{"jobId":"j"}}}',
    );
    expect(refusal(admitEvent(onlyInherited))).toContain("jobId is required");
  });
});
