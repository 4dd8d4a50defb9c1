import { expect, test } from "vitest";
import { createPeers, sessionIdOf, tagOf } from "../../src/gateway/peers.ts";

const ENGINE_ID = "y5RI6PtA9XqT-_GbAAAA";

test("a session id says whose it is", () => {
  expect(tagOf(sessionIdOf("7", ENGINE_ID))).toBe("7");
  expect(tagOf(sessionIdOf("999999999", ENGINE_ID))).toBe("999999999");
});

test.each([
  ...["", ".", "1", "1.", ENGINE_ID, `.${ENGINE_ID}`, `1.${ENGINE_ID}.2`, `1..${ENGINE_ID}`],
  ...["../1.x", "1.../x", "1./x", "1.x/", "1.x\n", "1.x\0", " 1.x", "+1.x", "-1.x", "1e3.x", "0x1.x", "١.x"],
  ...["1234567890.x", `1.${"a".repeat(10_000)}`, "1.x%2e", "a.x"],
])("%j names no gateway", (sessionId) => {
  expect(tagOf(sessionId)).toBeNull();
});

test("a path is made of a tag and of nothing else", () => {
  const peers = createPeers("/run/hub", "1");
  expect(peers.socketPathOf("23")).toBe("/run/hub/gateway-23.sock");
  for (const tag of ["", "../1", "1/2", "1234567890", "x"]) {
    expect(() => peers.socketPathOf(tag)).toThrow(RangeError);
    expect(() => createPeers("/run/hub", tag)).toThrow(RangeError);
  }
});

test("a path that the system would cut is refused with what to do", () => {
  expect(() => createPeers(`/${"long/".repeat(20)}`, "1")).toThrow("choose a directory with a shorter path");
});
