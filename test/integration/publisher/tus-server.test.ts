import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server as HttpServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileStore } from "@tus/file-store";
import { Server } from "@tus/server";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type AttachTusServerOptions,
  attachTusServer,
  createPublisher,
  type Publisher,
} from "../../../src/index.ts";
import { type ScriptedHub, type SentEvent, startScriptedHub } from "./scripted-hub.ts";

let hub: ScriptedHub;
let publisher: Publisher;
let directory: string;
let tus: Server;
let http: HttpServer;
let endpoint: string;

beforeEach(async () => {
  hub = await startScriptedHub();
  publisher = createPublisher({ url: hub.url, token: "secret", flushIntervalMs: 0 });
  directory = await mkdtemp(join(tmpdir(), "progress-hub-tus-"));
  // The server's own progress events never come in time: chunks end before.
  tus = serverOf();
  http = createServer((request, response) => void tus.handle(request, response)).listen(0, "127.0.0.1");
  await once(http, "listening");
  const address = http.address();
  if (address === null || typeof address === "string") throw new Error("not listening on a port");
  endpoint = `http://127.0.0.1:${address.port}/files`;
});

afterEach(async () => {
  await publisher.close(0);
  http.closeAllConnections();
  http.close();
  await hub.close();
  await rm(directory, { recursive: true, force: true });
});

function serverOf(): Server {
  return new Server({
    path: "/files",
    datastore: new FileStore({ directory }),
    postReceiveInterval: 600_000,
    respectForwardedHeaders: false,
  });
}

/** The user is what the `authorization` header says; "expired" is nobody. */
const byHeader: AttachTusServerOptions = {
  userId: (request) => {
    const user = request.headers.get("authorization");
    if (user === null || user === "expired") throw new Error("the token has expired");
    return user;
  },
};

function attach(options: Partial<AttachTusServerOptions> = {}) {
  return attachTusServer(tus, publisher, { ...byHeader, ...options });
}

async function call(
  method: string,
  url: string,
  user: string,
  headers: Record<string, string>,
  body?: Uint8Array,
) {
  const response = await fetch(url, {
    method,
    headers: { "tus-resumable": "1.0.0", authorization: user, ...headers },
    ...(body && { body }),
  });
  await response.text();
  return response;
}

async function create(
  user: string,
  length: number | null,
  metadata: Record<string, string> = {},
): Promise<string> {
  const pairs = Object.entries(metadata).map(
    ([key, value]) => `${key} ${Buffer.from(value).toString("base64")}`,
  );
  const response = await call("POST", endpoint, user, {
    ...(length === null ? { "upload-defer-length": "1" } : { "upload-length": String(length) }),
    ...(pairs.length > 0 && { "upload-metadata": pairs.join(",") }),
  });
  expect(response.status).toBe(201);
  return response.headers.get("location") ?? "";
}

async function patch(
  url: string,
  user: string,
  offset: number,
  bytes: number,
  headers: Record<string, string> = {},
) {
  const response = await call(
    "PATCH",
    url,
    user,
    { "upload-offset": String(offset), "content-type": "application/offset+octet-stream", ...headers },
    new Uint8Array(bytes),
  );
  expect(response.status).toBe(204);
}

const idOf = (url: string) => url.slice(url.lastIndexOf("/") + 1);
const shortOf = ({ type, data }: SentEvent) => {
  const what = type.slice(type.lastIndexOf(".") + 1);
  return "bytesTransferred" in data ? `${what} ${data.bytesTransferred}/${data.totalBytes}` : what;
};

/** What reached the hub once it is `count` events, in short. */
async function heard(count: number): Promise<string[]> {
  await vi.waitUntil(() => hub.accepted.length >= count, { timeout: 5_000 }).catch(() => {});
  await publisher.flush();
  return hub.accepted.map(shortOf);
}

describe("an upload", () => {
  it("that names no job is a job of one, told in order and in its owner's scope", async () => {
    attach();
    const url = await create("ann", 10, { filename: "a.jpg" });
    expect(await heard(2)).toEqual(["created", "started"]);
    await patch(url, "ann", 0, 4);
    expect(await heard(3)).toEqual(["created", "started", "progressed 4/10"]);
    await patch(url, "ann", 4, 6);
    expect(await heard(5)).toEqual([
      "created",
      "started",
      "progressed 4/10",
      "progressed 10/10",
      "completed",
    ]);

    const id = idOf(url);
    for (const event of hub.accepted) {
      expect(event).toMatchObject({
        source: "urn:progress-hub:tus-server",
        jobscope: "user",
        data: { userId: "ann", jobId: id },
      });
    }
    const [created, started, , , completed] = hub.accepted;
    expect(created).toMatchObject({ id: `${id} created`, data: { photoCount: 1 } });
    expect(started).toMatchObject({
      id: `${id} started`,
      data: { photoId: id, totalBytes: 10, fileName: "a.jpg" },
    });
    expect(completed).toMatchObject({ id: `${id} completed`, data: { photoId: id, totalBytes: 10 } });
  });

  it("takes job, photo and count from its metadata", async () => {
    attach();
    await create("ann", 10, { jobId: "album", photoId: "one", photoCount: "3", name: "b.jpg" });
    await heard(2);
    expect(hub.accepted.map(({ data }) => data)).toEqual([
      { userId: "ann", jobId: "album", photoCount: 3 },
      { userId: "ann", jobId: "album", photoId: "one", totalBytes: 10, fileName: "b.jpg" },
    ]);
  });

  it.each(["", "many", "-1", "9007199254740993"])("of a job announces no count of %j", async (photoCount) => {
    attach();
    await create("ann", 10, { jobId: "album", ...(photoCount !== "" && { photoCount }) });
    expect(await heard(1)).toEqual(["started"]);
  });

  it("takes ids from the backend before those of the metadata", async () => {
    attach({
      jobId: async () => "from-backend",
      photoId: (_request, upload) => `photo-of-${upload.metadata?.filename}`,
    });
    await create("ann", 10, { jobId: "album", photoId: "one", filename: "x" });
    await heard(1);
    expect(hub.accepted.map(({ data }) => data)).toEqual([
      { userId: "ann", jobId: "from-backend", photoId: "photo-of-x", totalBytes: 10, fileName: "x" },
    ]);
  });

  it("maps an Upload.ID that the contract would refuse, always alike", async () => {
    tus.options.namingFunction = () => "a+b c";
    attach();
    await create("ann", 10);
    await heard(2);
    expect(hub.accepted[1]?.data.photoId).toMatch(/^a-b-c\.[0-9a-f]{16}$/);
    expect(hub.accepted[1]?.data.jobId).toBe(hub.accepted[1]?.data.photoId);
  });

  it("of unknown length has no total until it is told", async () => {
    attach();
    const url = await create("ann", null);
    await patch(url, "ann", 0, 4);
    await heard(3);
    await patch(url, "ann", 4, 1, { "upload-length": "5" });
    expect(await heard(5)).toEqual([
      "created",
      "started",
      "progressed 4/null",
      "progressed 5/null",
      "completed",
    ]);
    expect(hub.accepted[1]?.data.totalBytes).toBeNull();
    expect(hub.accepted[4]?.data.totalBytes).toBe(5);
  });

  it("of no bytes is complete at once", async () => {
    attach();
    await create("ann", 0);
    expect(await heard(3)).toEqual(["created", "started", "completed"]);
  });

  it("that is terminated is cancelled", async () => {
    attach();
    const url = await create("ann", 10);
    await heard(2);
    expect((await call("DELETE", url, "ann", {})).status).toBe(204);
    expect(await heard(3)).toEqual(["created", "started", "cancelled"]);
  });

  it("tells nothing when it is removed after its end", async () => {
    attach();
    const url = await create("ann", 2);
    await patch(url, "ann", 0, 2);
    await heard(4);
    await call("DELETE", url, "ann", {});
    await create("ben", 1);
    const all = await heard(6);
    expect(all).not.toContain("cancelled");
  });
});

describe("the owner", () => {
  it("stays who created the upload, whatever later requests carry", async () => {
    attach();
    const url = await create("ann", 10);
    await patch(url, "expired", 0, 4);
    await patch(url, "mallory", 4, 6);
    await heard(5);
    expect(new Set(hub.accepted.map(({ data }) => data.userId))).toEqual(new Set(["ann"]));
    expect(hub.accepted.at(-1)?.type).toBe("photo.upload.completed");
  });

  it("may take its time: nothing is lost, and the upload does not wait", async () => {
    let tell: (user: string) => void = () => {};
    attach({ userId: () => new Promise((resolve) => (tell = resolve)) });
    const url = await create("x", 10);
    await patch(url, "x", 0, 4);
    await patch(url, "x", 4, 6);
    expect(hub.accepted).toEqual([]);
    tell("ann");
    expect(await heard(4)).toEqual(["created", "started", "progressed 10/10", "completed"]);
  });

  it("is asked again by the next request when it could not be told", async () => {
    const errors: unknown[] = [];
    attach({ onError: (error, uploadId) => errors.push([String(error), uploadId]) });
    const url = await create("expired", 10);
    await vi.waitUntil(() => errors.length > 0);
    expect(errors).toEqual([["Error: the token has expired", idOf(url)]]);
    await patch(url, "ann", 0, 4);
    expect(await heard(3)).toEqual(["created", "started", "progressed 4/10"]);
  });

  it("that is never told leaves the upload alone", async () => {
    const errors: unknown[] = [];
    attach({ userId: () => "", onError: (error) => errors.push(error) });
    const url = await create("ann", 10);
    await patch(url, "ann", 0, 10);
    await publisher.flush();
    expect(hub.accepted).toEqual([]);
    expect(String(errors[0])).toContain("userId() gave no user");
  });

  it("is asked again after a restart of the backend, and the opening is told again with the same ids", async () => {
    attach();
    const url = await create("ann", 10);
    await patch(url, "ann", 0, 4);
    await heard(3);
    tus = serverOf();
    attach();
    await patch(url, "ann", 4, 2);
    expect((await heard(6)).slice(3)).toEqual(["created", "started", "progressed 6/10"]);
    expect(hub.accepted.slice(3, 5).map(({ id }) => id)).toEqual(
      hub.accepted.slice(0, 2).map(({ id }) => id),
    );
    tus = serverOf();
    attach();
    await call("DELETE", url, "ann", {});
    expect((await heard(9)).at(-1)).toBe("cancelled");
  });

  it("is remembered for as many uploads as asked for, and asked again beyond", async () => {
    const asked: string[] = [];
    attach({
      maxUploads: 1,
      userId: (request) => {
        asked.push(request.method);
        return "ann";
      },
    });
    const first = await create("ann", 10);
    const second = await create("ann", 10);
    await heard(4);
    await patch(second, "ann", 0, 5);
    await patch(first, "ann", 0, 5);
    await heard(8);
    expect(asked).toEqual(["POST", "POST", "PATCH"]);
  });
});

describe("attached", () => {
  it("keeps the server's own hook, and puts everything back when detached", async () => {
    const seen: string[] = [];
    const own = async (_request: unknown, id: string) => void seen.push(id);
    tus.options.onIncomingRequest = own;
    const detach = attach();
    const url = await create("ann", 10);
    await heard(2);
    expect(seen).toEqual([idOf(url)]);
    detach();
    expect(tus.options.onIncomingRequest).toBe(own);
    expect(Object.hasOwn(tus.datastore, "write")).toBe(false);
    expect(tus.listenerCount("POST_RECEIVE")).toBe(0);
    await patch(url, "ann", 0, 10);
    expect(await heard(2)).toEqual(["created", "started"]);
  });

  it("never gets in the way of an upload, whatever its callbacks do", async () => {
    const warnings: string[] = [];
    const warn = (warning: Error) => warnings.push(warning.message);
    process.on("warning", warn);
    try {
      attach({
        onError: () => {
          throw new Error("from onError");
        },
      });
      const url = await create("expired", 4);
      await patch(url, "expired", 0, 4);
      await vi.waitUntil(() => warnings.some((text) => text.includes("from onError")));
    } finally {
      process.off("warning", warn);
    }
  });
});
