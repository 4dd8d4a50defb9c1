import { ErrorReply, MultiErrorReply, SocketClosedUnexpectedlyError } from "redis";
import { describe, expect, it } from "vitest";
import { HubError } from "../../src/errors.ts";
import { redirectionOf, storeError } from "../../src/redis/errors.ts";

const refused = Object.assign(new Error("connect ECONNREFUSED 10.0.0.7:6379"), { code: "ECONNREFUSED" });

describe("what befell a command", () => {
  it.each([
    [new ErrorReply("LOADING Redis is loading the dataset in memory"), "Redis refuses for now: LOADING."],
    [
      new ErrorReply("READONLY You can't write against a read only replica."),
      "Redis refuses for now: READONLY.",
    ],
    [
      new ErrorReply("OOM command not allowed when used memory > 'maxmemory'."),
      "Redis refuses for now: OOM.",
    ],
    [new ErrorReply("MISCONF Redis is configured to save RDB snapshots"), "Redis refuses for now: MISCONF."],
    [new ErrorReply("CLUSTERDOWN Hash slot not served"), "Redis refuses for now: CLUSTERDOWN."],
    [new MultiErrorReply([new ErrorReply("OOM command not allowed")], [0]), "Redis refuses for now: OOM."],
    [new SocketClosedUnexpectedlyError(), "Redis can't be reached (Socket closed unexpectedly)."],
    [refused, "Redis can't be reached (ECONNREFUSED)."],
  ])("%s is a store that can't be reached, for a second", (error, message) => {
    const told = storeError(error);
    expect(told).toBeInstanceOf(HubError);
    expect(told).toMatchObject({ code: "store_unavailable", retryAfterSeconds: 1, message });
  });

  it.each([
    new ErrorReply("WRONGTYPE Operation against a key holding the wrong kind of value"),
    new ErrorReply("NOGROUP No such key 's' or consumer group 'g'"),
    new ErrorReply("OOMPH is no code of Redis"),
    new HubError("overloaded"),
    new TypeError("a mistake of the program"),
  ])("%s is given back", (error) => expect(storeError(error)).toBe(error));

  it("names where a cluster sends the asker", () => {
    expect(redirectionOf(new ErrorReply("MOVED 3300 10.0.0.7:6379"))).toEqual({
      kind: "MOVED",
      address: "10.0.0.7:6379",
    });
    expect(redirectionOf(new ErrorReply("ASK 3300 ::1:6379"))).toEqual({ kind: "ASK", address: "::1:6379" });
    expect(redirectionOf(new ErrorReply("MOVED"))).toBeNull();
    expect(redirectionOf(new Error("MOVED 3300 10.0.0.7:6379"))).toBeNull();
  });
});
