import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keyOf, type WatchedMessage, type Watcher, watchers } from "../../clients.ts";
import { startTestHub, type TestHub } from "../../hub.ts";
import { makeFile, sha256OfFile } from "./files.ts";
import { startTusd, startTusNode, tusdVersion, type UploadServer } from "./servers.ts";
import { uploadFile } from "./upload.ts";

const MB = 1_000_000;
const DEADLINE_MS = 60_000;

let hub: TestHub;
let directory: string;

beforeAll(async () => {
  hub = await startTestHub();
  directory = await mkdtemp(join(tmpdir(), "progress-hub-uploads-"));
});

afterAll(async () => {
  await hub.close();
  await rm(directory, { recursive: true, force: true });
});

const tusd = tusdVersion();
// The summary only counts what is skipped.
if (tusd === null) console.warn("SKIPPED: real uploads through tusd, since there is no tusd on PATH");

describe("real uploads", () => {
  it("show the same on all four kinds of client, through @tus/server", () =>
    uploadAndWatch("node", startTusNode));

  it.skipIf(tusd === null)(`show the same through tusd's hooks (${tusd ?? "skipped: no tusd on PATH"})`, () =>
    uploadAndWatch("tusd", startTusd),
  );
});

async function uploadAndWatch(
  name: string,
  start: (hub: TestHub, directory: string) => Promise<UploadServer>,
): Promise<void> {
  const user = `${name}-user`;
  const store = join(directory, name);
  await mkdir(store);
  const server = await start(hub, store);
  const token = hub.tokenFor(user);
  const mine = Object.values(watchers).map((watch) => watch({ publicUrl: hub.publicUrl, token }));
  const stranger = watchers.websocket({ publicUrl: hub.publicUrl, token: hub.tokenFor(`${name}-stranger`) });
  try {
    await Promise.all(
      [...mine, stranger].map((watcher) => watcher.until(({ syncs }) => syncs > 0, "a first sync")),
    );

    const files = await Promise.all([
      makeFile(directory, `${name}-one.jpg`, 8 * MB),
      makeFile(directory, `${name}-two.jpg`, 8 * MB + 1),
      makeFile(directory, `${name}-three.jpg`, 8 * MB - 1),
      makeFile(directory, `${name}-endless.jpg`, 3 * MB + 17),
    ]);
    const [one, two, three, endless] = files;
    // Tokens end in the middle of an upload: whose it is was settled by its creation.
    const common = { endpoint: server.endpoint, createToken: token, laterToken: hub.tokenFor(user, -60) };
    const album = (photoId: string) => ({
      ...common,
      metadata: { jobId: "album", photoId, photoCount: "3" },
    });
    const uploaded = await Promise.all([
      // Chunks of 256 KiB: each PATCH ends before the server's own progress event would come.
      uploadFile(one, { ...album("one"), chunkBytes: 256 * 1024 }),
      uploadFile(two, { ...album("two"), cutAtBytes: 4 * MB }),
      uploadFile(three, album("three")),
      uploadFile(endless, { ...common, metadata: {}, chunkBytes: 256 * 1024, lengthDeferred: true }),
    ]);

    const ids = uploaded.map(({ id }) => id);
    for (const [index, file] of files.entries()) {
      expect(await sha256OfFile(server.pathOf(ids[index] ?? ""))).toBe(file.sha256);
    }
    // The cut one was really cut in the middle, asked where it stood, and went on from there.
    const [, secondRequests] = uploaded.map(({ requests }) => requests);
    expect(secondRequests?.slice(0, 2)).toEqual(["POST", "PATCH 0"]);
    expect(secondRequests).toContain("HEAD");
    const resumedAt = Number(secondRequests?.at(-1)?.split(" ")[1]);
    expect(resumedAt).toBeGreaterThan(MB);
    expect(resumedAt).toBeLessThan(two.bytes);

    const endings = (watcher: Watcher) =>
      watcher.messages.filter(({ type }) => type === "job_completed").length;
    await Promise.all(
      mine.map((watcher) => watcher.until((w) => endings(w) === 2, "the end of both jobs", DEADLINE_MS)),
    );

    const [first, ...others] = mine.map((watcher) => watcher.view());
    for (const view of others) expect(view).toEqual(first);
    const photos = [...(first ?? [])].filter(([key]) => key.includes("/"));
    expect(
      photos
        .map(([key]) => key)
        .filter((key) => key.startsWith("album/"))
        .sort(),
    ).toEqual(["album/one", "album/three", "album/two"]);
    expect(photos.map(([, { status, progress, attempt }]) => ({ status, progress, attempt }))).toEqual(
      Array(4).fill({ status: "COMPLETED", progress: 100, attempt: 1 }),
    );
    const jobs = [...(first ?? [])].filter(([key]) => !key.includes("/")).map(([, job]) => job);
    expect(
      jobs.map(({ status, progress, photos: counts }) => [status, progress, counts?.total]).sort(),
    ).toEqual([
      ["COMPLETED", 100, 1],
      ["COMPLETED", 100, 3],
    ]);
    for (const watcher of mine) {
      expectForward(watcher);
      for (const key of photos.map(([photo]) => photo)) expectSeenOnTheWay(watcher, key);
    }
    expect(stranger.messages).toEqual([]);
  } finally {
    for (const watcher of [...mine, stranger]) watcher.close();
    await server.close();
  }
}

/** Percent of a photo, and of a job within a totalsVersion, never goes back; ids only grow. */
function expectForward(watcher: Watcher): void {
  const highest = new Map<string, number>();
  let lastSeq = 0;
  for (const message of watcher.messages) {
    const key = `${keyOf(message)} ${message.totalsVersion ?? ""}`;
    const percent = message.progress ?? 0;
    const note = `${watcher.kind} ${JSON.stringify(message)}`;
    expect(percent, note).toBeGreaterThanOrEqual(highest.get(key) ?? 0);
    highest.set(key, percent);
    const seq = Number(message.id.split("-")[1]);
    expect(seq, note).toBeGreaterThan(lastSeq);
    lastSeq = seq;
  }
}

/** More than one value between nothing and all; of an unknown total the bytes are all there is to see. */
function expectSeenOnTheWay(watcher: Watcher, key: string): void {
  const onTheWay = watcher.messages.filter((message) => keyOf(message) === key && isMoving(message));
  const values = new Set(onTheWay.map(({ progress, bytesTransferred }) => progress ?? bytesTransferred));
  expect(values.size, `${watcher.kind} ${key}: ${[...values].join(" ")}`).toBeGreaterThan(1);
}

function isMoving({ type, bytesTransferred, totalBytes }: WatchedMessage): boolean {
  return type === "upload_progress" && bytesTransferred > 0 && bytesTransferred !== totalBytes;
}
