import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What a Unix socket's path may be long on every system, less the names of ours. */
const MAX_FOLDER_BYTES = 103 - "/gateway-999999999.sock".length;

/** A folder for the Unix sockets of a hub's processes, which only its user may enter. */
export function makeSocketFolder(): string {
  const wished = join(tmpdir(), "progress-hub-");
  // mkdtemp adds six characters, and makes folders of mode 0700.
  const isShort = Buffer.byteLength(wished) + 6 <= MAX_FOLDER_BYTES;
  return mkdtempSync(isShort ? wished : "/tmp/progress-hub-");
}

export function coreSocketIn(folder: string): string {
  return join(folder, "core.sock");
}
