import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { event } from "../events.ts";
import {
  eventually,
  httpRequest,
  RawClient,
  type TestGateway,
  testGateway,
  tokenOf,
} from "./gateway-harness.ts";

const PATH = "/api/v1/upload-progress";
let hub: TestGateway;

beforeEach(async () => {
  hub = await testGateway();
});

afterEach(() => hub.close());

function poll(path: string, headers: Record<string, string> = {}, user = "u") {
  const accept = { accept: "application/json", authorization: `Bearer ${tokenOf(user)}` };
  return fetch(`${hub.url}${path}`, { headers: { ...accept, ...headers } });
}

const message = z.looseObject({
  type: z.string(),
  id: z.string(),
  jobId: z.string(),
  photos: z.looseObject({ active: z.number() }).optional(),
});
const answer = z.strictObject({
  id: z.string(),
  job: message.optional(),
  jobs: z.array(message).optional(),
  messages: z.array(message),
  pollAfterMs: z.number().nullable(),
});

const bodyOf = async (path: string, user?: string) => answer.parse(await (await poll(path, {}, user)).json());
const typesOf = (body: z.infer<typeof answer>) => body.messages.map(({ type }) => type);

async function running() {
  await hub.engine.publish([event.created({ photoCount: 1 }), event.started(), event.progressed(500)]);
}

test("a snapshot, then only what is newer, then the end", async () => {
  await running();
  const first = await bodyOf(`${PATH}/j`);
  expect(Object.keys(first).sort()).toEqual(["id", "job", "messages", "pollAfterMs"]);
  expect(first.job).toMatchObject({ type: "job_progress", jobId: "j" });
  expect(typesOf(first)).toEqual(["upload_started", "upload_progress", "job_progress"]);
  expect(first.messages.at(-1)?.id).toBe(first.id);
  expect(first.pollAfterMs).toBe(2_000);
  const nothing = await bodyOf(`${PATH}/j?since=${first.id}`);
  expect(nothing).toMatchObject({ id: first.id, messages: [], job: first.job });
  await hub.engine.publish([event.completed()]);
  const last = await bodyOf(`${PATH}/j?since=${first.id}`);
  expect(typesOf(last)).toEqual(["upload_completed", "job_completed"]);
  expect(last.job?.type).toBe("job_completed");
  expect(last.pollAfterMs).toBeNull();
});

test("the header says whether it is a snapshot, also where an id can't be honoured", async () => {
  await running();
  const first = await poll(`${PATH}/j`, {});
  expect(first.headers.get("progress-hub-mode")).toBe("snapshot");
  const { id } = answer.parse(await first.json());
  const next = await poll(`${PATH}/j?since=${id}`, {});
  expect(next.headers.get("progress-hub-mode")).toBe("resumed");
  const other = await poll(`${PATH}/j?since=other-1`, {});
  expect(other.headers.get("progress-hub-mode")).toBe("snapshot");
});

test("all jobs of the user", async () => {
  await running();
  await hub.engine.publish([event.started({ jobId: "k" })]);
  const body = await bodyOf(PATH);
  expect(Object.keys(body).sort()).toEqual(["id", "jobs", "messages", "pollAfterMs"]);
  expect(body.jobs?.map(({ jobId }) => jobId)).toEqual(["j", "k"]);
  expect(body.pollAfterMs).toBe(2_000);
  expect(await bodyOf(PATH, "nobody")).toMatchObject({ jobs: [], messages: [] });
});

test("what is shown while an answer is read page by page comes with the next one, once", async () => {
  const photos = Array.from({ length: 600 }, (_, index) => ({ photoId: `photo-${index}` }));
  await hub.engine.publish([event.created(), ...photos.map((photo) => event.progressed(500, photo))]);
  const { read } = hub.engine;
  let reads = 0;
  hub.engine.read = async (query) => {
    reads += 1;
    // The first and the last of them move on between the pages.
    if (reads === 2) {
      await hub.engine.publish([photos[0], photos.at(-1)].map((photo) => event.progressed(600, photo)));
    }
    return read.call(hub.engine, query);
  };
  const first = await bodyOf(`${PATH}/j`);
  expect(reads).toBeGreaterThan(1);
  const seqOf = (id: string) => Number(id.split("-")[1]);
  for (const { id } of first.messages) expect(seqOf(id)).toBeLessThanOrEqual(seqOf(first.id));
  const next = await bodyOf(`${PATH}/j?since=${first.id}`);
  expect(typesOf(next)).toEqual(["upload_progress", "upload_progress", "job_progress"]);
  const ids = [...first.messages, ...next.messages].map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

test("more than a page is answered whole", async () => {
  const photos = Array.from({ length: 1_500 }, (_, index) => event.started({ photoId: `photo-${index}` }));
  await hub.engine.publish([event.created({ photoCount: 1_500 }), ...photos]);
  const body = await bodyOf(`${PATH}/j`);
  expect(body.messages).toHaveLength(1_501);
  expect(body.job?.photos?.active).toBe(1_500);
  expect(body.messages.at(-1)?.id).toBe(body.id);
});

test("a job of another user looks like one that doesn't exist", async () => {
  await running();
  const [foreign, unknown] = await Promise.all([
    poll(`${PATH}/j`, {}, "other"),
    poll(`${PATH}/nope`, {}, "other"),
  ]);
  expect(foreign.status).toBe(404);
  expect(unknown.status).toBe(404);
  expect(await foreign.text()).toBe(await unknown.text());
  const names = (answer: Response) => [...answer.headers.keys()].sort();
  expect(names(foreign)).toEqual(names(unknown));
});

describe("ETag", () => {
  test("with wait, what the ETag names is waited beyond", async () => {
    await running();
    const url = `${PATH}/j?wait=500ms`;
    const first = await poll(url);
    const headers = { "If-None-Match": first.headers.get("etag") ?? "" };
    const began = performance.now();
    expect((await poll(url, headers)).status).toBe(304);
    expect(performance.now() - began).toBeGreaterThan(450);
    const waiting = poll(url, headers);
    await hub.engine.publish([event.progressed(600)]);
    expect((await waiting).status).toBe(200);
  });

  test("304 while nothing is new, whatever token it is asked with", async () => {
    await running();
    const first = await poll(`${PATH}/j?access_token=${tokenOf("u", 100)}`);
    const etag = first.headers.get("etag") ?? "";
    expect(first.headers.get("cache-control")).toBe("private, no-cache");
    const again = await poll(`${PATH}/j?access_token=${tokenOf("u", 200)}`, { "If-None-Match": etag });
    expect(again.status).toBe(304);
    expect(again.headers.get("etag")).toBe(etag);
    expect((await poll(`${PATH}/j`, { "If-None-Match": `"x", ${etag}` })).status).toBe(304);
    await hub.engine.publish([event.progressed(600)]);
    expect((await poll(`${PATH}/j`, { "If-None-Match": etag })).status).toBe(200);
  });

  test("differs by user, path and query", async () => {
    await hub.engine.publish([event.started(), event.started({ jobId: "k" })]);
    const etags = await Promise.all(
      [`${PATH}/j`, `${PATH}/k`, PATH, `${PATH}/j?since=x-1`].map(async (path) =>
        (await poll(path)).headers.get("etag"),
      ),
    );
    expect(new Set(etags).size).toBe(4);
    // Users without jobs have the same head, so only their names tell them apart.
    const users = await Promise.all(["new", "newer"].map((user) => poll(PATH, {}, user)));
    const [one, other] = users.map((answered) => answered.headers.get("etag"));
    expect(one).not.toBe(other);
  });
});

describe("long-polling", () => {
  test("answers as soon as there is something", async () => {
    await running();
    const { id } = await bodyOf(`${PATH}/j`);
    const waiting = bodyOf(`${PATH}/j?since=${id}&wait=25s`);
    await eventually(() => hub.gateway.connections.polling === 1, "it waits");
    await hub.engine.publish([event.started({ jobId: "another" })]);
    expect(hub.gateway.connections.polling).toBe(1);
    await hub.engine.publish([event.progressed(700)]);
    const body = await waiting;
    expect(body.messages[0]).toMatchObject({ type: "upload_progress", bytesTransferred: 700 });
    expect(hub.gateway.connections.polling).toBe(0);
  });

  test.each(["150ms", "0.2s", "1"])("wait=%s", async (wait) => {
    await running();
    const { id } = await bodyOf(PATH);
    const startMs = performance.now();
    const answer = await poll(`${PATH}?since=${id}&wait=${wait}`);
    if (wait === "0.2s") {
      expect(answer.status).toBe(400);
      return;
    }
    expect(await answer.json()).toMatchObject({ id, messages: [] });
    expect(performance.now() - startMs).toBeGreaterThan(wait === "1" ? 950 : 145);
  });

  test("does not wait where there is something, nor for an ended job, nor for an unknown one", async () => {
    await running();
    expect((await bodyOf(`${PATH}/j?wait=60`)).messages).toHaveLength(3);
    await hub.engine.publish([event.completed()]);
    const { id } = await bodyOf(`${PATH}/j`);
    expect(await bodyOf(`${PATH}/j?since=${id}&wait=60`)).toMatchObject({ messages: [], pollAfterMs: null });
    expect((await poll(`${PATH}/nope?wait=60`)).status).toBe(404);
  });

  test("a client that goes away leaves nothing behind", async () => {
    const request = httpRequest(`${PATH}?wait=60s`, {
      Accept: "application/json",
      Authorization: `Bearer ${tokenOf("u")}`,
    });
    const client = await RawClient.open(hub.port, request);
    await eventually(() => hub.gateway.connections.polling === 1, "it waits");
    client.socket.destroy();
    await eventually(() => hub.gateway.connections.polling === 0, "given up");
  });

  test("one whose token ends while it waits is told so", async () => {
    const startMs = performance.now();
    const answer = await fetch(`${hub.url}${PATH}?wait=60s&access_token=${tokenOf("u", 2)}`, {
      headers: { accept: "application/json" },
    });
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ code: "token_expired" });
    expect(performance.now() - startMs).toBeLessThan(4_000);
  });

  test("counts as a connection of its user: the oldest gives way", async () => {
    await hub.close();
    hub = await testGateway({ maxConnectionsPerUser: 1 });
    const first = poll(`${PATH}?wait=60s`);
    await eventually(() => hub.gateway.connections.polling === 1, "it waits");
    const second = poll(`${PATH}?wait=300ms`);
    const refused = await first;
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).not.toBeNull();
    expect((await second).status).toBe(200);
  });
});
