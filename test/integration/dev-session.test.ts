import { type IncomingMessage, request } from "node:http";
import { afterEach, expect, test } from "vitest";
import { HubError } from "../../src/errors.ts";
import { assertFromHere } from "../../src/from-here.ts";
import { ADMIN_TOKEN, startTestHub, type TestHub } from "../hub.ts";

let hub: TestHub | null = null;

afterEach(async () => {
  await hub?.close();
  hub = null;
});

interface Answer {
  readonly status: number | undefined;
  readonly caching: string | undefined;
  readonly body: unknown;
}

/** As a browser asks that believes this machine to have that name. */
function ask(url: string, host: string, method = "GET"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(`${url}/dev/session`, { method, headers: { host } }, (response) => {
      let text = "";
      response.on("data", (chunk) => {
        text += String(chunk);
      });
      response.on("end", () => {
        const caching = response.headers["cache-control"];
        resolve({ status: response.statusCode, caching, body: JSON.parse(text) });
      });
    });
    asked.on("error", reject).end();
  });
}

test("with --dev the internal listener gives the admin token to this machine, by its own name alone", async () => {
  hub = await startTestHub({
    dev: true,
    adminToken: [ADMIN_TOKEN, "another-admin-token-that-is-long-enough"],
  });
  for (const host of ["localhost", "localhost:8081", "127.0.0.1:1", "[::1]:8081"]) {
    const given = { status: 200, caching: "no-store", body: { adminToken: ADMIN_TOKEN } };
    expect(await ask(hub.internalUrl, host)).toEqual(given);
  }
  for (const url of [hub.internalUrl, hub.publicUrl]) {
    for (const host of [
      "evil.example",
      "localhost.evil.example",
      "10.0.0.5:8081",
      "127.0.0.1.evil.example",
      "a b",
    ]) {
      expect(await ask(url, host)).toMatchObject({ status: 404, body: { code: "not_found" } });
    }
  }
  expect(await ask(hub.internalUrl, "localhost", "POST")).toMatchObject({ status: 405 });
});

test("without --dev there is no such path", async () => {
  hub = await startTestHub({ adminToken: [ADMIN_TOKEN] });
  expect(await ask(hub.internalUrl, "localhost")).toMatchObject({ status: 404, body: { code: "not_found" } });
});

test.each([
  ["::ffff:127.0.0.1", "localhost", true],
  ["127.4.5.6", "127.4.5.6:80", true],
  ["::1", "[::1]", true],
  ["192.168.0.7", "localhost", false],
  ["127.0.0.1", "", false],
  ["127.0.0.1", "127.0.0.1@evil.example", false],
  ["1270.0.0.1", "localhost", false],
])("from %s to %j: %j", (remoteAddress, host, isHere) => {
  // Only what it reads of a request.
  const request_ = { socket: { remoteAddress }, headers: { host } } as unknown as IncomingMessage;
  if (isHere) assertFromHere(request_);
  else expect(() => assertFromHere(request_)).toThrow(HubError);
});
