import { describe, expect, it } from "vitest";
import { isRejection } from "../../src/ingest/gate.ts";
import { contractIdOf, eventsOfTusdHook } from "../../src/ingest/tusd.ts";
import { readTusdHook } from "../../src/ingest/tusd-hook.ts";

const upload = {
  ID: "abc123",
  Size: 800,
  SizeIsDeferred: false,
  Offset: 300,
  MetaData: {},
  IsPartial: false,
};

function hookOf(name: string, changes: object = {}) {
  const hook = readTusdHook({ Type: name, Event: { Upload: { ...upload, ...changes } } }, {});
  if (hook === null || hook === "malformed") throw new Error(`expected a hook, got ${hook}`);
  return hook;
}

function eventsOf(name: string, changes: object = {}) {
  return eventsOfTusdHook(hookOf(name, changes), "u");
}

describe("reading a hook", () => {
  it("knows both bodies, and the uploader's header in any of Go's shapes", () => {
    const HTTPRequest = { Header: { Authorization: ["Bearer t"] } };
    const expected = { name: "post-create", uploadId: "abc123", uploaderAuthorization: "Bearer t" };
    expect(readTusdHook({ Type: "post-create", Event: { Upload: upload, HTTPRequest } }, {})).toMatchObject(
      expected,
    );
    const v1 = { Upload: upload, HTTPRequest: { Header: { authorization: "Bearer t" } } };
    expect(readTusdHook(v1, { "hook-name": "post-create" })).toMatchObject(expected);
    expect(readTusdHook({ Upload: upload }, { "hook-name": "post-create" })).toMatchObject({
      uploaderAuthorization: null,
    });
  });

  it.each([
    { Type: "pre-create", Event: { Upload: { ...upload, ID: "" } } },
    { Type: "pre-finish", Event: { Upload: upload } },
    { Type: "post-something", Event: { Upload: upload } },
    { Type: "post-create", Event: { Upload: { ...upload, IsPartial: true } } },
    { Type: 5 },
    {},
    [],
    null,
    "post-create",
  ])("has nothing to do for %j", (body) => {
    expect(readTusdHook(body, {})).toBeNull();
  });

  it.each([{}, { Upload: 5 }, { Upload: {} }, { Upload: { ID: "" } }, { Upload: { ID: 5 } }])(
    "refuses %j",
    (Event) => {
      expect(readTusdHook({ Type: "post-create", Event }, {})).toBe("malformed");
    },
  );
});

describe("events of a hook", () => {
  it("makes an upload without a job a job of one", () => {
    const common = { source: "tusd", jobId: "abc123", userId: "u", scope: "user" };
    expect(eventsOf("post-create", { MetaData: { filename: "a.jpg", name: "b.jpg", jobId: "" } })).toEqual([
      {
        ...common,
        type: "uploadjob.created",
        id: "abc123 post-create job",
        photoCount: 1,
        totalBytes: null,
        title: null,
      },
      {
        ...common,
        type: "photo.upload.started",
        id: "abc123 post-create",
        photoId: "abc123",
        attempt: null,
        totalBytes: 800,
        fileName: "a.jpg",
      },
    ]);
  });

  it("takes job, photo, count and name from the metadata", () => {
    const MetaData = { jobId: "trip", photoId: "p7", photoCount: "12", name: "b.jpg" };
    expect(eventsOf("post-create", { MetaData })).toMatchObject([
      { type: "uploadjob.created", jobId: "trip", photoCount: 12 },
      { type: "photo.upload.started", jobId: "trip", photoId: "p7", fileName: "b.jpg" },
    ]);
    expect(eventsOf("post-create", { MetaData: { jobId: "trip" } })).toMatchObject([
      { type: "photo.upload.started" },
    ]);
  });

  it("follows the upload to its end", () => {
    expect(eventsOf("post-receive")).toMatchObject([
      {
        type: "photo.upload.progressed",
        bytesTransferred: 300,
        totalBytes: 800,
        id: "abc123 post-receive 300",
      },
    ]);
    expect(eventsOf("post-receive", { Size: 0, SizeIsDeferred: true })).toMatchObject([{ totalBytes: null }]);
    expect(eventsOf("post-finish")).toMatchObject([{ type: "photo.upload.completed", totalBytes: 800 }]);
    expect(eventsOf("post-terminate")).toMatchObject([{ type: "photo.upload.cancelled" }]);
  });

  it("gives the same hook the same ids, and different hooks different ones", () => {
    const ids = (name: string, changes: object = {}) => eventsOf(name, changes).map(({ id }) => id);
    expect(ids("post-create")).toEqual(ids("post-create"));
    const all = [
      ...ids("post-create"),
      ...ids("post-receive"),
      ...ids("post-receive", { Offset: 301 }),
      ...ids("post-finish"),
      ...ids("post-terminate"),
    ];
    expect(new Set(all).size).toBe(all.length);
  });

  it("lets the gate refuse what the uploader or tusd got wrong, and keeps the rest", () => {
    const results = eventsOf("post-create", { MetaData: { jobId: "trip", photoCount: "many" } });
    expect(results.map(isRejection)).toEqual([true, false]);
    expect(eventsOf("post-create", { MetaData: { jobId: "my trip" } })).toMatchObject([
      { code: "invalid_field" },
    ]);
    expect(eventsOf("post-receive", { Offset: -1 })).toMatchObject([{ code: "invalid_field" }]);
    expect(eventsOf("post-receive", { Offset: JSON.parse('{"toString":1}') })).toMatchObject([
      { code: "invalid_field" },
    ]);
  });
});

describe("contractIdOf", () => {
  it("keeps valid ids and maps all others to valid, different, stable ones", () => {
    expect(contractIdOf("24e533e02ec3bc40c387f1a0e460e216")).toBe("24e533e02ec3bc40c387f1a0e460e216");
    expect(contractIdOf("abc+def")).toMatch(/^abc-def\.[0-9a-f]{16}$/);
    const others = ["abc+def", "abc/def", "abc def", "x".repeat(129), `${"x".repeat(129)}y`, "é", "+"];
    const mapped = others.map(contractIdOf);
    expect(new Set(mapped).size).toBe(others.length);
    for (const id of mapped) expect(id).toMatch(/^[A-Za-z0-9._:@-]{1,128}$/);
    expect(others.map(contractIdOf)).toEqual(mapped);
  });
});
