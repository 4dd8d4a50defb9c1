import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";

// What was written and is not in the tables yet, as a file that only grows: one write of the system a group, into its
// page cache, where it survives the death of this process. Numbers are unsigned, the lowest byte first. A group is
//
//   bytes of what follows (4), its CRC-32 (4), then entries:
//   table (1), bytes of the key (2), of the value (4; all ones: the key goes), the key in UTF-8 and the value.

const TABLES = ["root", "users", "jobs", "open", "ended", "owners", "uploads"] as const;
export type TableName = (typeof TABLES)[number];

/** Of one table and key: the value; null: there is none any more. */
export interface Entry {
  readonly table: TableName;
  readonly key: string;
  readonly value: Buffer | null;
}

/** Where in a file an entry is, and what of it is known without a look at its value. */
interface Place extends Pick<Entry, "table" | "key"> {
  readonly isGone: boolean;
  readonly place: number;
  /** Of its group. */
  readonly end: number;
}

/** What one write does: all of it, or nothing. */
export interface Writing {
  /** A text is put in UTF-8. Bytes are taken over at once: whoever gave them may write others there. */
  put(table: TableName, key: string, value: string | Buffer): void;
  remove(table: TableName, key: string): void;
}

/** Between the parts of a key, which hold no control characters. */
export const SEPARATOR = "\n";

const NAME = /^journal-(\d+)$/;
const GROUP_BYTES = 8;
const ENTRY_BYTES = 7;
const GONE = 0xffff_ffff;
const SCRATCH_BYTES = 64 * 1024;
/** Nearly all entries are shorter. */
const MOST_ENTRIES_BYTES = 512;
/** Where a value would be that goes. */
const NOWHERE = -1;
const NOTHING = Buffer.alloc(0);

/**
 * One file, and where in it is what of each key is the newest. The values stay in the file: nobody asks for them, mostly,
 * but of one that an earlier process has left, which is read back and kept in memory for that.
 */
export class Journal implements Writing {
  readonly #path: string;
  readonly #descriptor: number;
  #bytes = 0;
  /** Its beginning, where it was there before. */
  #content: Buffer = NOTHING;
  /** By table: of each key, where its entry begins. */
  readonly #places = new Map<TableName, Map<string, number>>();
  /** Keys of the table `jobs`, and how many of them are in the index: by what stands before their last part. */
  readonly #jobKeys: string[] = [];
  readonly #byParent = new Map<string, string[]>();
  #indexed = 0;
  /** The group that is being put together, and its entries. */
  #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  #end = GROUP_BYTES;
  readonly #entries: { readonly table: TableName; readonly key: string; readonly place: number }[] = [];

  private constructor(path: string, flags: "wx+" | "r+") {
    this.#path = path;
    this.#descriptor = openSync(path, flags, 0o600);
  }

  /** A new file. Throws the system's error. */
  static begin(path: string): Journal {
    return new Journal(path, "wx+");
  }

  /** A file that an earlier process has left. Throws the system's error, or one that says what makes no sense. */
  static reopen(path: string): Journal {
    const journal = new Journal(path, "r+");
    try {
      const bytes = readFileSync(path);
      for (const { table, key, isGone, place, end } of placesIn(bytes)) {
        journal.#note(table, key, isGone ? NOWHERE : place);
        journal.#bytes = end;
      }
      journal.#content = bytes.subarray(0, journal.#bytes);
      // Nothing that was not written whole stands behind what comes next.
      if (journal.#bytes < bytes.length) ftruncateSync(journal.#descriptor, journal.#bytes);
    } catch (error) {
      journal.close();
      throw error;
    }
    return journal;
  }

  /** Of the file. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Of which it knows something. */
  get keys(): number {
    let keys = 0;
    for (const places of this.#places.values()) keys += places.size;
    return keys;
  }

  /** Takes all that `fill` puts and removes here, or nothing of it. Throws the system's error. */
  append(fill: (writing: Writing) => void): void {
    this.#end = GROUP_BYTES;
    this.#entries.length = 0;
    fill(this);
    if (this.#entries.length === 0) return;
    const group = this.#scratch.subarray(0, this.#end);
    group.writeUInt32LE(group.length - GROUP_BYTES, 0);
    group.writeUInt32LE(crc32(group.subarray(GROUP_BYTES)), 4);
    this.#write(group);
    for (const { table, key, place } of this.#entries) this.#note(table, key, place);
    this.#bytes += group.length;
    if (this.#scratch.length > 16 * SCRATCH_BYTES) this.#scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  }

  put(table: TableName, key: string, value: string | Buffer): void {
    this.#add(table, key, value);
  }

  remove(table: TableName, key: string): void {
    this.#add(table, key, null);
  }

  /** null: it goes; undefined: nothing is known of it here. */
  get(table: TableName, key: string): Buffer | null | undefined {
    const place = this.#places.get(table)?.get(key);
    if (place === undefined) return undefined;
    return place === NOWHERE ? null : this.#valueAt(place);
  }

  /** True: it has a value; false: it goes; undefined: nothing is known of it here. */
  isThere(table: TableName, key: string): boolean | undefined {
    const place = this.#places.get(table)?.get(key);
    return place === undefined ? undefined : place !== NOWHERE;
  }

  keysOf(table: TableName): Iterable<string> {
    return this.#places.get(table)?.keys() ?? [];
  }

  /** Keys of the table `jobs` with one part more than this: of a user's jobs, or of a job's photos. */
  jobKeysBelow(parent: string): readonly string[] {
    for (; this.#indexed < this.#jobKeys.length; this.#indexed += 1) {
      const key = this.#jobKeys[this.#indexed] ?? "";
      const itsParent = key.slice(0, key.lastIndexOf(SEPARATOR));
      const others = this.#byParent.get(itsParent);
      if (others === undefined) this.#byParent.set(itsParent, [key]);
      else others.push(key);
    }
    return this.#byParent.get(parent) ?? [];
  }

  /** What it knows something of, table by table, sorted: what lies together in the tables together. */
  names(): readonly Pick<Entry, "table" | "key">[] {
    return [...this.#places].flatMap(([table, places]) =>
      [...places.keys()].sort().map((key) => ({ table, key })),
    );
  }

  /** The next start reads it. */
  close(): void {
    closeSync(this.#descriptor);
  }

  /**
   * All of it is in the tables. Emptied first: read again after a younger one it would take that one's changes back, with
   * `isFlushed` also after a loss of power. Throws the system's error where it can't be; then it is as it was.
   */
  discard(isFlushed = false): void {
    ftruncateSync(this.#descriptor, 0);
    if (isFlushed) fsyncSync(this.#descriptor);
    closeSync(this.#descriptor);
    try {
      rmSync(this.#path, { force: true });
    } catch {
      // The next start does it.
    }
  }

  #add(table: TableName, key: string, value: string | Buffer | null): void {
    const place = this.#end;
    this.#reserve(ENTRY_BYTES + 3 * (key.length + (value?.length ?? 0)));
    const scratch = this.#scratch;
    const keyBytes = scratch.write(key, place + ENTRY_BYTES);
    const valueAt = place + ENTRY_BYTES + keyBytes;
    const valueBytes = value === null ? 0 : putInto(scratch, valueAt, value);
    scratch[place] = TABLES.indexOf(table);
    scratch.writeUInt16LE(keyBytes, place + 1);
    scratch.writeUInt32LE(value === null ? GONE : valueBytes, place + 3);
    this.#end = valueAt + valueBytes;
    this.#entries.push({ table, key, place: value === null ? NOWHERE : this.#bytes + place });
  }

  #reserve(bytes: number): void {
    const wanted = this.#end + bytes;
    if (wanted <= this.#scratch.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(wanted, 2 * this.#scratch.length));
    this.#scratch.copy(larger, 0, 0, this.#end);
    this.#scratch = larger;
  }

  #write(group: Buffer): void {
    try {
      for (let at = 0; at < group.length; ) {
        at += writeSync(this.#descriptor, group, at, group.length - at, this.#bytes + at);
      }
    } catch (error) {
      try {
        ftruncateSync(this.#descriptor, this.#bytes);
      } catch {
        // What is there of the group has no end, and the next one is written over it.
      }
      throw error;
    }
  }

  #note(table: TableName, key: string, place: number): void {
    let places = this.#places.get(table);
    if (places === undefined) {
      places = new Map();
      this.#places.set(table, places);
    }
    const before = places.size;
    places.set(key, place);
    if (table === "jobs" && places.size > before) this.#jobKeys.push(key);
  }

  #valueAt(place: number): Buffer {
    const bytes = this.#read(place, MOST_ENTRIES_BYTES);
    const { valueAt, valueEnd } = partsAt(bytes, 0);
    const entry = valueEnd <= bytes.length ? bytes : this.#read(place, valueEnd);
    return entry.subarray(valueAt, valueEnd);
  }

  /** Up to `length` bytes: fewer where the file ends. */
  #read(from: number, length: number): Buffer {
    if (from + length <= this.#content.length) return this.#content.subarray(from, from + length);
    const bytes = Buffer.allocUnsafe(length);
    return bytes.subarray(0, readSync(this.#descriptor, bytes, 0, length, from));
  }
}

/** The files in a folder, the oldest first. */
export function journalsIn(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => NAME.test(name))
    .sort((left, right) => numberOf(left) - numberOf(right))
    .map((name) => join(folder, name));
}

/** A file that comes after all that are there. */
export function nextJournal(folder: string): string {
  return join(folder, `journal-${Math.max(0, ...readdirSync(folder).map(numberOf)) + 1}`);
}

/**
 * What a file has, up to a group that was not written whole: of that nobody was told that it is kept. Throws where others
 * come after it, of which somebody was.
 */
function* placesIn(bytes: Buffer): Generator<Place> {
  for (let at = 0; at + GROUP_BYTES <= bytes.length; ) {
    const end = groupEndAt(bytes, at);
    if (end === null) {
      if (goesOnAfter(bytes, at)) throw new Error("a journal is damaged, and goes on after that");
      return;
    }
    for (at += GROUP_BYTES; at < end; ) {
      const [place, keyAt] = [at, at + ENTRY_BYTES];
      const table = TABLES[bytes.readUInt8(place)];
      if (table === undefined) throw new Error("a journal names a table that there is not");
      const { valueAt, valueEnd, isGone } = partsAt(bytes, place);
      at = valueEnd;
      yield { table, key: bytes.toString("utf8", keyAt, valueAt), isGone, place, end };
    }
  }
}

/** Wherever: what is damaged may be the length by which the next would be found, or several groups. */
function goesOnAfter(bytes: Buffer, at: number): boolean {
  for (let next = at + 1; next + GROUP_BYTES < bytes.length; next += 1) {
    // Few places look like one, so that few checksums are made.
    if (bytes.readUInt8(next + GROUP_BYTES) < TABLES.length && groupEndAt(bytes, next) !== null) return true;
  }
  return false;
}

/** Where the group that begins there ends; null: none does, or not whole. There are at least the bytes of its head. */
function groupEndAt(bytes: Buffer, at: number): number | null {
  const end = at + GROUP_BYTES + bytes.readUInt32LE(at);
  const group = bytes.subarray(at + GROUP_BYTES, end);
  const isWhole = end <= bytes.length && group.length > 0 && crc32(group) === bytes.readUInt32LE(at + 4);
  return isWhole ? end : null;
}

/** Gives how many bytes that are. */
function putInto(bytes: Buffer, at: number, value: string | Buffer): number {
  if (typeof value === "string") return bytes.write(value, at);
  bytes.set(value, at);
  return value.length;
}

/** Of the entry there. */
function partsAt(
  bytes: Buffer,
  place: number,
): { readonly valueAt: number; readonly valueEnd: number; readonly isGone: boolean } {
  const valueAt = place + ENTRY_BYTES + bytes.readUInt16LE(place + 1);
  const length = bytes.readUInt32LE(place + 3);
  const isGone = length === GONE;
  return { valueAt, valueEnd: valueAt + (isGone ? 0 : length), isGone };
}

/** 0: it is none. */
function numberOf(name: string): number {
  return Number(NAME.exec(name)?.[1] ?? 0);
}
