import { createHash, randomBytes } from "node:crypto";
import { open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

/** Bytes a step, and milliseconds between steps: about 6 MB/s, so that progress can be seen. */
const PACE_BYTES = 32 * 1024;
const PACE_MS = 5;

export interface TestFile {
  readonly path: string;
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

export async function makeFile(directory: string, name: string, bytes: number): Promise<TestFile> {
  const content = randomBytes(bytes);
  const path = join(directory, name);
  await writeFile(path, content);
  return { path, name, bytes, sha256: sha256Of(content) };
}

export async function sha256OfFile(path: string): Promise<string> {
  return sha256Of(await readFile(path));
}

/** The file's bytes from `start` to before `end`, slowly; `onByte` hears how far the reading has come. */
export function pacedRead(
  path: string,
  start: number,
  end: number,
  onByte: (position: number) => void = () => {},
): Readable {
  async function* steps() {
    const file = await open(path);
    try {
      for (let at = start; at < end; at += PACE_BYTES) {
        const chunk = Buffer.alloc(Math.min(PACE_BYTES, end - at));
        await file.read(chunk, 0, chunk.length, at);
        yield chunk;
        onByte(at + chunk.length);
        await sleep(PACE_MS);
      }
    } finally {
      await file.close();
    }
  }
  return Readable.from(steps(), { objectMode: false });
}

function sha256Of(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
