import { afterEach, expect, test } from "vitest";
import { type TestGateway, testGateway } from "./gateway-harness.ts";

let hub: TestGateway | null = null;

afterEach(() => hub?.close());

test.each([
  ["5 s; a client comes back when it wants", [], "timeout=5"],
  ["longer than balancers keep them, where those are trusted", ["127.0.0.1"], "timeout=620"],
])("idle connections are kept for %s", async (_title, trustedProxies, expected) => {
  hub = await testGateway({ trustedProxies });
  const response = await fetch(`${hub.url}/healthz`);
  await response.arrayBuffer();
  expect(response.headers.get("keep-alive")).toBe(expected);
});
