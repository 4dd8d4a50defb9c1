import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { messageOf } from "../../message-of.ts";
import { StartError } from "../../start-error.ts";
import { damaged } from "./damaged.ts";
import { Disk, FolderInUse, NewerFormat } from "./disk.ts";
import { damageOf } from "./inspect.ts";

const LOOKS = 10;
/** By the system, and by LMDB. */
const NO_ROOM = /ENOSPC|EDQUOT|No space left|quota exceeded/i;

export interface DataFolderOptions {
  /** Made if it is missing; null: a temporary one, gone at the end. */
  readonly folder: string | null;
  readonly durability: "commit" | "sync";
  /** Where the numbers of a new folder begin. */
  readonly floorSeq: number;
}

/**
 * Opens the state kept in a folder. Throws a StartError where it can't be used: one line that names the folder and says
 * what to do; nothing in it was changed then.
 */
export async function openDataFolder({ folder, ...options }: DataFolderOptions): Promise<Disk> {
  if (folder === null) return openTemporary(options);
  const path = resolve(folder);
  prepare(path);
  const damage = lastingDamageOf(join(path, "data.mdb"));
  if (damage !== null) throw damaged(path, damage);
  try {
    return new Disk({ ...options, folder: path });
  } catch (error) {
    throw explained(path, error);
  }
}

/** What is seen again and again: another hub that just writes the file may make one look look bad. */
function lastingDamageOf(file: string): string | null {
  let damage = damageOf(file);
  for (let look = 1; damage !== null && look < LOOKS; look += 1) damage = damageOf(file);
  return damage;
}

function openTemporary(options: Omit<DataFolderOptions, "folder">): Disk {
  const folder = mkdtempSync(join(tmpdir(), "progress-hub-data-"));
  const onClose = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    return new Disk({ ...options, folder, onClose });
  } catch (error) {
    onClose();
    throw explained(folder, error);
  }
}

function prepare(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    for (const name of ["data.mdb", "lock.mdb"]) {
      const file = join(path, name);
      const stat = statSync(file, { throwIfNoEntry: false });
      // LMDB would crash on a lock that is a folder.
      if (stat?.isDirectory()) throw new Error(`${name} is a folder`);
      if (stat !== undefined) accessSync(file, constants.R_OK | constants.W_OK);
    }
  } catch (error) {
    const code = codeOf(error);
    const remedy =
      code === "EEXIST" || code === "ENOTDIR"
        ? "it is no folder; name another with --data-dir"
        : "let this user read and write it, or name another with --data-dir";
    throw new StartError(`data folder ${path} can't be used (${code}): ${remedy}`);
  }
}

function explained(path: string, error: unknown): StartError {
  if (error instanceof FolderInUse) {
    return new StartError(
      `data folder ${path} is in use by another hub (pid ${error.pid}); stop that one, or give this one a --data-dir of its own`,
    );
  }
  if (error instanceof NewerFormat) {
    return new StartError(
      `data folder ${path} was written by a newer version of progress-hub; run that one, or give this one a --data-dir of its own`,
    );
  }
  if (NO_ROOM.test(messageOf(error))) {
    return new StartError(
      `data folder ${path} can't be written, its disk is full; free some space: what was acknowledged is there`,
    );
  }
  return damaged(path, messageOf(error));
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error ? String(error.code) : error.message;
}
