import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDataFolder } from "../../src/engine/resident/data-folder.ts";
import { damageOf } from "../../src/engine/resident/inspect.ts";
import { createEngine } from "../engine-harness.ts";
import { event } from "../events.ts";

// Damage that can't be seen from outside: LMDB throws, or crashes, when a core reads it.

const program = fileURLToPath(new URL("../../dist/bin/progress-hub.js", import.meta.url));
const SECRETS = ["--jwt-secret", "s".repeat(32), "--ingest-token", "i".repeat(32)];
const PAGE_BYTES = 4_096;

let folder: string;
let whole: Buffer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "progress-hub-test-"));
  const disk = await openDataFolder({ folder, durability: "commit", floorSeq: 1_000 });
  const { engine } = createEngine({ disk });
  for (let job = 0; job < 50; job += 1) {
    const photos = Array.from({ length: 100 }, (_, index) => `p${index}`);
    await engine.publish(photos.map((photoId) => event.started({ jobId: `j${job}`, photoId })));
  }
  await engine.close();
  whole = readFileSync(join(folder, "data.mdb"));
});

afterAll(() => rmSync(folder, { recursive: true }));

test.each([1, 2, 3, 4, 5, 6])(
  "pages of noise, seed %i: one line that names the folder, exit 1, nothing changed",
  (seed) => {
    const file = join(folder, "data.mdb");
    writeFileSync(file, whole);
    const damagedBytes = addNoise(file, seed);
    expect(damagedBytes.equals(whole)).toBe(false);
    const argv = ["serve", ...SECRETS, "--workers", "1", "--data-dir", folder, "--log-level", "silent"];
    const ports = ["--host", "127.0.0.1", "--port", "0", "--internal-port", "0"];
    const { status, stderr, stdout } = spawnSync(process.execPath, [program, ...argv, ...ports], {
      encoding: "utf8",
      timeout: 40_000,
    });
    const last = stderr.trim().split("\n").at(-1);
    expect(last).toMatch(/^progress-hub: the core process can't start: /);
    expect(last).toContain(folder);
    expect(last).toContain("may be damaged");
    expect([status, stdout]).toEqual([1, ""]);
    expect(readFileSync(file).equals(damagedBytes)).toBe(true);
  },
);

/** Leaves noise in all pages of the file in which it can't be seen from outside; gives what the file is then. */
function addNoise(file: string, seed: number): Buffer {
  const descriptor = openSync(file, "r+");
  let state = seed;
  for (let page = 2; page < whole.length / PAGE_BYTES; page += 1) {
    const noise = Buffer.alloc(PAGE_BYTES);
    for (let at = 0; at < PAGE_BYTES; at += 1) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      noise[at] = state >>> 16;
    }
    const at = page * PAGE_BYTES;
    writeSync(descriptor, noise, 0, PAGE_BYTES, at);
    if (damageOf(file) !== null) writeSync(descriptor, whole, at, PAGE_BYTES, at);
  }
  closeSync(descriptor);
  return readFileSync(file);
}
