import { describe, expect, it } from "vitest";
import { HubError } from "../../src/errors.ts";
import { decodeCloudEvents, decodeHeaderValue } from "../../src/ingest/cloudevents.ts";
import { parseMediaType } from "../../src/ingest/media-type.ts";

const event = {
  specversion: "1.0",
  id: "e1",
  source: "/s",
  type: "photo.upload.completed",
  data: { jobId: "j", photoId: "p", userId: "u" },
};
const admitted = {
  type: "photo.upload.completed",
  id: "e1",
  source: "/s",
  jobId: "j",
  photoId: "p",
  scope: "bound",
};
const MAX_BATCH = 3;

function decode(contentType: string | undefined, body: unknown, headers: Record<string, string> = {}) {
  const bytes = Buffer.isBuffer(body)
    ? body
    : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  const type = contentType === undefined ? {} : { "content-type": contentType };
  return decodeCloudEvents(bytes, { ...type, ...headers }, MAX_BATCH);
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return error instanceof HubError ? error.code : String(error);
  }
  return "nothing was thrown";
}

describe("structured and batch", () => {
  it.each(["", "; charset=UTF-8", ';charset="utf-8"', "; q=1; Charset = utf8"])(
    "with parameters %j",
    (parameters) => {
      expect(decode(`application/cloudevents+json${parameters}`, event)).toMatchObject([admitted]);
      expect(decode(`Application/CloudEvents-Batch+JSON${parameters}`, [event, 5])).toMatchObject([
        admitted,
        { id: null, code: "invalid_field" },
      ]);
    },
  );

  it("takes an empty batch and a full one", () => {
    expect(decode("application/cloudevents-batch+json", [])).toEqual([]);
    expect(decode("application/cloudevents-batch+json", [event, event, event])).toHaveLength(MAX_BATCH);
  });

  it.each([
    ["batch_too_large", "application/cloudevents-batch+json", [1, 2, 3, 4]],
    ["malformed_json", "application/cloudevents-batch+json", event],
    ["malformed_json", "application/cloudevents+json", [event]],
    ["malformed_json", "application/cloudevents+json", "5"],
    ["malformed_json", "application/cloudevents+json", ""],
    ["malformed_json", "application/cloudevents+json", '{"specversion":"1.0",'],
    ["malformed_json", "application/cloudevents+json", '{"a":NaN}'],
    ["malformed_json", "application/cloudevents+json", Buffer.from('{"a":"\xff"}', "latin1")],
    ["malformed_json", "application/cloudevents-batch+json", "[".repeat(200_000)],
    ["unsupported_media_type", "application/cloudevents+json; charset=iso-8859-1", event],
    ["unsupported_media_type", "application/cloudevents+xml", event],
    ["unsupported_media_type", "application/cloudevents", event],
    ["unsupported_media_type", "application/json", event],
    ["unsupported_media_type", "text/plain", event],
    ["unsupported_media_type", "nonsense", event],
    ["unsupported_media_type", undefined, event],
  ])("%s for %s", (code, contentType, body) => {
    expect(codeOf(() => decode(contentType, body))).toBe(code);
  });

  it("never quotes the body in an error", () => {
    expect(() => decode("application/cloudevents+json", '{"secret-text')).toThrow(
      /^(?!.*secret-text).*13 bytes/,
    );
  });

  it("refuses compressed bodies instead of calling them malformed", () => {
    const encoding = { "content-encoding": "gzip" };
    expect(codeOf(() => decode("application/cloudevents+json", event, encoding))).toBe(
      "unsupported_media_type",
    );
  });
});

describe("binary", () => {
  const headers = {
    "ce-specversion": "1.0",
    "ce-id": "e1",
    "ce-source": "/s",
    "ce-type": "photo.upload.completed",
  };

  it.each(["application/json", "application/json; charset=utf-8", "application/x+json"])(
    "as %s",
    (contentType) => {
      expect(decode(contentType, event.data, headers)).toMatchObject([admitted]);
    },
  );

  it("percent-decodes attributes and sees the job's scope", () => {
    const encoded = { ...headers, "ce-id": "Euro%20%E2%82%AC%20%f0%9f%98%80", "ce-jobscope": "user" };
    expect(decode("application/json", event.data, encoded)).toMatchObject([
      { id: "Euro € 😀", scope: "user" },
    ]);
  });

  it("rejects the event for bytes that are not UTF-8, and for missing attributes", () => {
    expect(decode("application/json", event.data, { ...headers, "ce-source": "%C0%A0" })).toMatchObject([
      { id: "e1", code: "invalid_field", message: expect.stringContaining("source") },
    ]);
    expect(decode("application/json", event.data, { "ce-id": "e1" })).toMatchObject([{ id: "e1" }]);
    expect(decode("application/json", "[1]", headers)).toMatchObject([
      { message: expect.stringContaining("data") },
    ]);
  });

  it.each([
    ["malformed_json", "application/json", "", headers],
    ["unsupported_media_type", "text/plain", event.data, headers],
    ["unsupported_media_type", undefined, event.data, headers],
    ["unsupported_media_type", "application/json; charset=utf-16", event.data, headers],
  ])("%s for %s", (code, contentType, body, sent) => {
    expect(codeOf(() => decode(contentType, body, sent))).toBe(code);
  });
});

describe("header values (CloudEvents HTTP binding 3.1.3.2)", () => {
  it.each([
    ["plain", "plain"],
    ["a%20b", "a b"],
    ["%41", "A"],
    ["%2541", "%41"],
    ['"a \\"b\\" c"', 'a "b" c'],
    ['"a%20b"', "a b"],
    ["100%", "100%"],
    ["%zz%41", "%zzA"],
    ["%C0%A0", null],
    ["%ff", null],
    ["%ED%A0%80", null],
  ])("%s", (header, value) => {
    expect(decodeHeaderValue(header)).toBe(value);
  });
});

describe("media types", () => {
  it.each([
    [undefined, null],
    ["", null],
    ["json", null],
    ["a/b/c", null],
    ["Text/JSON", { essence: "text/json", charset: null }],
    ["a/b; charset=UTF-8; x=y", { essence: "a/b", charset: "utf-8" }],
    ['a/b;x=y;charset="Latin1"', { essence: "a/b", charset: "latin1" }],
    ["a/b; charset=", { essence: "a/b", charset: "" }],
    ["a/b; mycharset=latin1", { essence: "a/b", charset: null }],
  ])("%s", (header, expected) => {
    expect(parseMediaType(header)).toEqual(expected);
  });
});
