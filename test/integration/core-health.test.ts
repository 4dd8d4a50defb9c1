import { fastify } from "fastify";
import { afterEach, beforeEach, expect, test } from "vitest";
import { registerHealth } from "../../src/core/health.ts";
import { installProblemErrors, problemServerOptions } from "../../src/ingest/problems.ts";
import { startTestHub, type TestHub } from "../hub.ts";

let app: ReturnType<typeof fastify>;
let url: string;
let isDraining: boolean;
let health: { ready: boolean; reason: string | null };
let aloneMs: number | null;

beforeEach(async () => {
  isDraining = false;
  health = { ready: true, reason: null };
  aloneMs = null;
  app = fastify(problemServerOptions);
  installProblemErrors(app);
  registerHealth(app, { isDraining: () => isDraining, health: () => health, aloneMs: () => aloneMs });
  url = await app.listen({ host: "127.0.0.1", port: 0 });
});

afterEach(() => app.close());

async function expectNotReady(response: Response, problem: object): Promise<void> {
  expect(response.status).toBe(503);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(await response.json()).toMatchObject({ status: 503, ...problem });
}

test("ready", async () => {
  for (const path of ["/healthz", "/readyz"]) expect((await fetch(url + path)).status).toBe(200);
  expect((await fetch(`${url}/readyz`, { method: "HEAD" })).status).toBe(200);
});

test("not ready: the store, with its reason", async () => {
  health = { ready: false, reason: "no answer from the store" };
  await expectNotReady(await fetch(`${url}/readyz`), {
    code: "store_unavailable",
    detail: "no answer from the store",
  });
  expect((await fetch(`${url}/readyz`, { method: "HEAD" })).status).toBe(503);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
});

test("not ready: draining, whatever the store says", async () => {
  isDraining = true;
  health = { ready: false, reason: "no answer from the store" };
  await expectNotReady(await fetch(`${url}/readyz`), { code: "draining" });
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
});

test("no gateway: not ready at once, and dead only after 30 s", async () => {
  aloneMs = 0;
  await expectNotReady(await fetch(`${url}/readyz`), { code: "not_linked" });
  aloneMs = 29_999;
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  aloneMs = 30_000;
  await expectNotReady(await fetch(`${url}/healthz`), {
    code: "not_linked",
    detail: "There has been no gateway for 30 s.",
  });
});

test("a hub that drains says so on its internal listener", async () => {
  const hub: TestHub = await startTestHub();
  try {
    expect((await fetch(`${hub.internalUrl}/readyz`)).status).toBe(200);
    await hub.drain();
    await expectNotReady(await fetch(`${hub.internalUrl}/readyz`), { code: "draining" });
  } finally {
    await hub.close();
  }
});
