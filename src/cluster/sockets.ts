import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { StartError } from "../start-error.ts";

/** What a Unix socket's path may be long on every system, less the names of ours. */
const MAX_FOLDER_BYTES = 103 - "/gateway-999999999.sock".length;

/** A folder for the Unix sockets of a hub's processes, which only its user may enter. Throws a StartError. */
export function makeSocketFolder(): string {
  const wished = join(tmpdir(), "progress-hub-");
  // mkdtemp adds six characters, and makes folders of mode 0700.
  const isShort = Buffer.byteLength(wished) + 6 <= MAX_FOLDER_BYTES;
  const prefix = isShort ? wished : "/tmp/progress-hub-";
  try {
    return mkdtempSync(prefix);
  } catch (error) {
    const cause = error instanceof Error && "code" in error ? String(error.code) : String(error);
    const place = dirname(prefix);
    throw new StartError(
      `no folder for sockets can be made in ${place} (${cause}); set TMPDIR to one that can be written to`,
    );
  }
}

export function coreSocketIn(folder: string): string {
  return join(folder, "core.sock");
}
