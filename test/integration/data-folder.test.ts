import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { open } from "lmdb";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openDataFolder } from "../../src/engine/resident/data-folder.ts";
import { damageOf } from "../../src/engine/resident/inspect.ts";
import { FORMAT } from "../../src/engine/resident/record-bytes.ts";
import { createEngine, MINUTE_MS, Reader, settle } from "../engine-harness.ts";
import { event } from "../events.ts";
import { ManualClock } from "../manual-clock.ts";

// Folders that can't be used, and what is said of them; and what is in one that can.

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "progress-hub-test-"));
  file = join(folder, "data.mdb");
});

afterEach(() => {
  chmodSync(folder, 0o700);
  rmSync(folder, { recursive: true });
});

const openIt = (at: string | null = folder) =>
  openDataFolder({ folder: at, durability: "commit", floorSeq: 1_000 });

/** Of a journal, with these entries. */
function groupOf(entries: readonly number[]): Buffer {
  const bytes = Buffer.from(entries);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(bytes.length, 0);
  head.writeUInt32LE(crc32(bytes), 4);
  return Buffer.concat([head, bytes]);
}

/** Leaves 2,000 photos of 20 jobs in the folder. */
async function fill(): Promise<void> {
  const { engine } = createEngine({ disk: await openIt() });
  for (let job = 0; job < 20; job += 1) {
    const photos = Array.from({ length: 100 }, (_, index) => `p${index}`);
    await engine.publish(photos.map((photoId) => event.started({ jobId: `j${job}`, photoId })));
  }
  await engine.close();
}

describe("a folder that can't be used", () => {
  const damages: readonly (readonly [string, (bytes: Buffer) => void])[] = [
    ["is empty", () => truncateSync(file, 0)],
    ["was cut to 100 bytes", () => truncateSync(file, 100)],
    ["was cut to a page", () => truncateSync(file, 4_096)],
    ["was cut to two pages", () => truncateSync(file, 8_192)],
    ["was cut to a half", (bytes) => truncateSync(file, bytes.length / 2)],
    [
      "has another header",
      (bytes) => writeFileSync(file, Buffer.concat([randomBytes(4_096), bytes.subarray(4_096)])),
    ],
    ["is something else", () => writeFileSync(file, "once upon a time".repeat(1_000))],
  ];

  it.each(damages)("whose data file %s: one line names it, and nothing is overwritten", async (_, damage) => {
    await fill();
    damage(readFileSync(file));
    const before = readFileSync(file);
    const refused = await openIt().then(
      () => "opened",
      (error: unknown) => String(error),
    );
    expect(refused).toContain(`data folder ${folder} can't be read, it may be damaged`);
    expect(refused).not.toContain("\n");
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it("has a journal that tells of what there is not", async () => {
    await fill();
    writeFileSync(join(folder, "journal-7"), groupOf([99, 1, 0, 0, 0, 0, 0, 0x6b]));
    await expect(openIt()).rejects.toThrow(
      `data folder ${folder} can't be read, it may be damaged (a journal`,
    );
    expect(existsSync(join(folder, "journal-7"))).toBe(true);
  });

  it("has a journal that is damaged in its midst, but not one whose last group was not written whole", async () => {
    await fill();
    const userOf = (value: string) => groupOf([1, 1, 0, value.length, 0, 0, 0, 0x6b, ...Buffer.from(value)]);
    const whole = Buffer.concat(["{}", "[]", "{}"].map(userOf));
    const group = whole.length / 3;
    const journal = join(folder, "journal-7");
    // One value, one length, and all but the last.
    const damages = [
      [group - 1, group],
      [0, 1],
      [0, 2 * group],
    ] as const;
    for (const [from, to] of damages) {
      const spoilt = Buffer.from(whole).fill(0, from, to);
      writeFileSync(journal, spoilt);
      await expect(openIt()).rejects.toThrow(
        /it may be damaged \(a journal is damaged, and goes on after that\)/,
      );
      expect(readFileSync(journal).equals(spoilt)).toBe(true);
    }
    writeFileSync(journal, whole.subarray(0, -1));
    await (await openIt()).close();
  });

  it("is of a newer version", async () => {
    await fill();
    const root = open({ path: folder, encoding: "string" });
    await root.put("format", String(FORMAT + 1));
    await root.close();
    const before = readFileSync(file);
    await expect(openIt()).rejects.toThrow(
      `data folder ${folder} was written by a newer version of progress-hub`,
    );
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it("is no folder, or can't be made", async () => {
    writeFileSync(join(folder, "file"), "");
    await expect(openIt(join(folder, "file"))).rejects.toThrow(/can't be used \(EEXIST\): it is no folder/);
    await expect(openIt(join(folder, "file", "below"))).rejects.toThrow(/can't be used \(ENOTDIR\)/);
  });

  it("may not be entered", () => {
    const script = `
      const { openDataFolder } = await import("./dist/src/engine/resident/data-folder.js");
      process.setuid?.(65534);
      await openDataFolder({ folder: ${JSON.stringify(folder)}, durability: "commit", floorSeq: 1 });`;
    chmodSync(folder, process.getuid?.() === 0 ? 0o700 : 0);
    const { stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
      encoding: "utf8",
    });
    expect(stderr).toContain(`data folder ${folder} can't be used (EACCES): let this user read and write it`);
  });

  it("is in use by another hub, and free as soon as that one is gone, however it went", async () => {
    const holder = `
      const { openDataFolder } = await import("./dist/src/engine/resident/data-folder.js");
      await openDataFolder({ folder: ${JSON.stringify(folder)}, durability: "commit", floorSeq: 1 });
      console.log("open");
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", holder]);
    await new Promise((resolve) => child.stdout.once("data", resolve));
    await expect(openIt()).rejects.toThrow(
      `data folder ${folder} is in use by another hub (pid ${child.pid}); stop that one`,
    );
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
    const disk = await openIt();
    await disk.close();
  });
});

describe("a folder", () => {
  it("is made where it is missing, its user's alone; a temporary one goes when it is closed", async () => {
    const missing = join(folder, "a", "b");
    await (await openIt(missing)).close();
    expect(existsSync(join(missing, "data.mdb"))).toBe(true);
    const disk = await openIt(null);
    expect(disk.epoch).toMatch(/^e[0-9a-f]{12}$/);
    await disk.close();
  });

  it("shows no damage while it is written", async () => {
    const { engine } = createEngine({ disk: await openIt(), photoIntervalMs: 0, jobIntervalMs: 0 });
    for (let round = 1; round <= 300; round += 1) {
      await engine.publish([
        event.progressed(round),
        event.started({ jobId: `j${round}`, photoId: "x".repeat(100) }),
      ]);
      expect(damageOf(file)).toBeNull();
    }
    await engine.close();
    expect(damageOf(file)).toBeNull();
  });

  it("keeps ended jobs for whoever asks, also after a restart, until their retention; users' numbers go on", async () => {
    const clock = new ManualClock();
    const options = { clock, recentMs: 10 * MINUTE_MS, retentionMs: 60 * MINUTE_MS };
    const first = createEngine({ ...options, disk: await openIt() });
    await first.engine.publish([event.created({ photoCount: 1 }), event.completed()]);
    const seen = new Reader(first.engine, "u");
    await settle();
    expect(first.engine.stats).toMatchObject({ jobs: 1, users: 1 });
    await first.engine.close();

    await clock.advance(5 * MINUTE_MS);
    const second = createEngine({ ...options, disk: await openIt() });
    await second.store.restore(() => undefined);
    expect(second.engine.stats).toMatchObject({ jobs: 1, users: 1 });
    const again = new Reader(second.engine, "u");
    await settle();
    expect(again.view).toEqual(seen.view);
    expect(again.syncs).toEqual(seen.syncs);
    const resumed = new Reader(second.engine, "u", { lastEventId: seen.lastId });
    await settle();
    expect([resumed.sent, resumed.syncs[0]?.mode]).toEqual([[], "resumed"]);
    await second.engine.publish([event.failed({ photoId: "late" })]);
    expect(again.messages.at(-1)).toMatchObject({ photoId: "late", status: "FAILED" });

    // Long enough for its user to leave memory.
    await clock.advance(10 * MINUTE_MS);
    const late = new Reader(second.engine, "u", { jobId: "j" });
    await settle();
    expect(late.messages.map(({ photoId }) => photoId)).toEqual(["p", "p", undefined, "late", "late"]);
    await clock.advance(50 * MINUTE_MS);
    expect(await second.engine.jobs("u", "j")).toEqual([]);
    expect(second.engine.stats).toMatchObject({ jobs: 0, users: 0 });
    await second.engine.publish([event.started({ jobId: "k" })]);
    expect(again.messages.at(-1)?.jobId).toBe("k");
    const seqs = again.sent.map(({ seq }) => seq);
    expect(seqs).toEqual([...new Set(seqs)].sort((left, right) => left - right));
    await second.engine.close();
  });

  it("shows after a restart what was merged and held back when the core went", async () => {
    const clock = new ManualClock();
    const first = createEngine({ clock, disk: await openIt() });
    const before = new Reader(first.engine, "u");
    await settle();
    await first.engine.publish([event.progressed(100)]);
    await first.engine.publish([event.progressed(700)]);
    expect(before.messages.at(-1)).toMatchObject({ progress: 10 });
    await first.engine.close();
    const second = createEngine({ clock, disk: await openIt() });
    const after = new Reader(second.engine, "u", { lastEventId: before.lastId });
    await second.store.restore(() => undefined);
    await settle();
    expect(after.messages.map(({ photoId, progress }) => [photoId, progress])).toEqual([
      ["p", 70],
      [undefined, 70],
    ]);
    await second.engine.close();
  });

  it("is read where a version without a journal wrote it, which must not read it any more", async () => {
    await fill();
    const formatOf = async (format: string | null) => {
      const root = open<string, string>({ path: folder, encoding: "string" });
      if (format !== null) await root.put("format", format);
      const found = root.get("format");
      await root.close();
      return found;
    };
    await formatOf("1");
    const { engine, store } = createEngine({ disk: await openIt() });
    await store.restore(() => undefined);
    expect(engine.stats).toMatchObject({ jobs: 20, openPhotos: 2_000 });
    await engine.close();
    expect(await formatOf(null)).toBe(String(FORMAT));
  });

  it("keeps owners of jobs and of uploads", async () => {
    const first = createEngine({ disk: await openIt() });
    await first.store.bindOwner("upload", "up", "u");
    await first.engine.publish([event.started()]);
    await first.engine.close();
    const second = createEngine({ disk: await openIt() });
    expect(await second.store.ownerOf("upload", "up")).toBe("u");
    expect(await second.engine.publish([event.progressed(5, { userId: null })])).toMatchObject({
      accepted: 1,
    });
    expect(await second.engine.publish([event.started({ userId: "v" })])).toMatchObject({
      rejected: [{ code: "owner_mismatch" }],
    });
    await second.engine.close();
  });
});
