import { describe, expect, it } from "vitest";
import {
  bearerOf,
  httpTokenOf,
  queryTokenOf,
  socketIoTokenOf,
  webSocketTokenOf,
} from "../../src/auth/extract.ts";
import { createSecretCheck } from "../../src/auth/secrets.ts";

describe("where a token comes from", () => {
  it.each([
    ["Bearer abc.def", "abc.def"],
    ["bearer   abc ", "abc"],
    ["Basic abc", null],
    ["Bearer", null],
    ["Bearer a b", null],
    ["", null],
    [undefined, null],
    [["Bearer x", "Bearer y"], "x"],
    [[], null],
  ])("Authorization: %j", (header, token) => {
    expect(bearerOf(header)).toBe(token);
  });

  it.each([
    ["/p?access_token=abc", "abc"],
    ["/p?a=1&access_token=abc&b=2", "abc"],
    ["/p?access%5Ftoken=abc", "abc"],
    ["/p?access_token=a%2Bb%3D", "a+b="],
    ["/p?access_token=a+b==", "a+b=="],
    ["/p?access_token=%zz", "%zz"],
    ["/p?access_token=1&access_token=2", "1"],
    ["/p?access_token=abc#x", "abc"],
    ["/p?access_token=", null],
    ["/p?xaccess_token=abc", null],
    ["/p#?access_token", null],
    ["/access_token=abc", null],
  ])("%s", (url, token) => {
    expect(queryTokenOf(url)).toBe(token);
  });

  it("prefers what is nearest to the protocol", () => {
    const headers = { authorization: "Bearer h", "sec-websocket-protocol": "progress-hub.v1, bearer.p" };
    const { authorization: _, ...protocolOnly } = headers;
    const url = "/x?access_token=q";
    expect(httpTokenOf({ headers, url })).toBe("h");
    expect(httpTokenOf({ headers: {}, url })).toBe("q");
    expect(httpTokenOf({ headers: {}, url: "/x" })).toBeNull();
    expect(webSocketTokenOf({ headers, url })).toBe("h");
    expect(webSocketTokenOf({ headers: protocolOnly, url })).toBe("p");
    expect(webSocketTokenOf({ headers: {}, url })).toBe("q");
    expect(socketIoTokenOf({ token: "a" }, { headers, url })).toBe("a");
    for (const auth of [{}, null, undefined, "a", { token: "" }, { token: 5 }, []]) {
      expect(socketIoTokenOf(auth, { headers, url })).toBe("h");
    }
  });

  it("takes an empty bearer protocol for none", () => {
    expect(webSocketTokenOf({ headers: { "sec-websocket-protocol": "bearer." }, url: "/" })).toBeNull();
  });
});

describe("createSecretCheck", () => {
  it("takes any of its secrets and nothing else", () => {
    const matches = createSecretCheck(["first-secret", "second-secret"]);
    expect(["first-secret", "second-secret"].map(matches)).toEqual([true, true]);
    for (const wrong of ["first-secre", "first-secret ", "", "second-secret\u0000", null]) {
      expect(matches(wrong)).toBe(false);
    }
    expect(createSecretCheck([])("")).toBe(false);
    expect(createSecretCheck([])(null)).toBe(false);
    // Of any length: a long one is not only compared at its beginning.
    for (const length of [1, 251, 252, 253, 256, 1_000]) {
      const secret = "ü".repeat(length / 2) + "s".repeat(length % 2);
      const matchesIt = createSecretCheck([secret]);
      const others = [`${secret}x`, secret.slice(1), `${secret.slice(0, -1)}x`, `x${secret.slice(1)}`];
      expect([secret, ...others].map(matchesIt)).toEqual([true, false, false, false, false]);
    }
  });
});
