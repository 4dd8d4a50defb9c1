import { setImmediate as nextTurn, setTimeout as wait } from "node:timers/promises";
import { type Database, open, type RootDatabase } from "lmdb";
import { messageOf } from "../../message-of.ts";
import {
  type Entry,
  Journal,
  journalsIn,
  nextJournal,
  SEPARATOR,
  type TableName,
  type Writing,
} from "./journal.ts";

export interface Row {
  readonly key: string;
  readonly value: Buffer;
}

export interface TablesOptions {
  readonly folder: string;
  /** `commit`: a write survives the death of every process; `sync`: also that of the machine. */
  readonly durability: "commit" | "sync";
  /** A journal that is larger goes into the tables; default: 32 MiB. */
  readonly maxJournalBytes?: number;
  /** So does one of more keys: each takes memory until then, and its time then, however often it was written; default: 20,000. */
  readonly maxJournalKeys?: number;
}

type Table = Database<Buffer, string>;

const AFTER_SEPARATOR = "\v";
const MAX_JOURNAL_BYTES = 32 * 1024 * 1024;
const MAX_JOURNAL_KEYS = 20_000;
/** So does an older one. */
const MAX_JOURNAL_AGE_MS = 30_000;
/** While the one before can't be brought into them, it grows to so many times of that. */
const FULL = 2;
/** Entries in one go: 1 to 2 ms. */
const AT_ONCE = 250;
const RETRY_MS = 1_000;

/**
 * Sorted tables of bytes in one environment of LMDB. With `commit` what is written goes into a journal, at a fraction of
 * what a transaction takes, and into LMDB later: of what changed again and again until then, only the newest.
 */
export class Tables {
  readonly #folder: string;
  readonly #maxJournalBytes: number;
  readonly #maxJournalKeys: number;
  readonly #root: RootDatabase<Buffer, string>;
  readonly #tables: Readonly<Record<TableName, Table>>;
  /**
   * What is in no table yet, the newest first: two, and those that earlier processes have left; none with `sync`, where tables
   * are written at once.
   */
  #journals: readonly Journal[] = [];
  #ageTimer: NodeJS.Timeout | null = null;
  #moving: Promise<void> | null = null;
  /** Why the last that was to be moved was not; null: it was. */
  #refusal: unknown = null;
  #isClosed = false;

  /** Throws LMDB's error. Nothing is written, nor is a journal looked at, before `begin`. */
  constructor({ folder, durability, maxJournalBytes, maxJournalKeys }: TablesOptions) {
    this.#folder = folder;
    this.#maxJournalBytes = maxJournalBytes ?? MAX_JOURNAL_BYTES;
    this.#maxJournalKeys = maxJournalKeys ?? MAX_JOURNAL_KEYS;
    // Without syncs a transaction is a write into the system's page cache.
    const settings = durability === "commit" ? { noSync: true, overlappingSync: false } : {};
    this.#root = open<Buffer, string>({
      path: folder,
      maxDbs: 12,
      encoding: "binary",
      cache: false,
      ...settings,
    });
    const named = (name: TableName): Table => this.#root.openDB<Buffer, string>({ name, encoding: "binary" });
    this.#tables = {
      root: this.#root,
      users: named("users"),
      jobs: named("jobs"),
      open: named("open"),
      ended: named("ended"),
      owners: named("owners"),
      uploads: named("uploads"),
    };
  }

  /**
   * From now on there is a journal (`isJournaled`), or none. What an earlier process has left is read beside it, and comes
   * into LMDB later: whoever looks at uploads need not wait for that, nor for room on a full disk. Throws LMDB's or the
   * system's error.
   */
  begin(isJournaled: boolean): void {
    const left = journalsIn(this.#folder);
    for (const path of left) this.#journals = [Journal.reopen(path), ...this.#journals];
    if (!isJournaled) {
      // What is written at once must not be older than what waits.
      for (const journal of [...this.#journals].reverse()) {
        this.#moveWhole(journal);
        this.#discard(journal, true);
      }
      return;
    }
    try {
      this.#journals = [Journal.begin(nextJournal(this.#folder)), ...this.#journals];
    } catch (error) {
      // No room for another: it goes on in the last.
      if (left.length === 0) throw error;
    }
    this.#moveOlder();
  }

  /** Of processes that have the folder open, this one among them. */
  get readers(): ReadonlySet<number> {
    this.#root.readerCheck();
    const lines = this.#root.readerList().split("\n");
    return new Set(lines.map((line) => Number(line.trim().split(/\s+/)[0])).filter((pid) => pid > 0));
  }

  get(table: TableName, key: string): Buffer | undefined {
    for (const journal of this.#journals) {
      const known = journal.get(table, key);
      if (known !== undefined) return known ?? undefined;
    }
    return this.#tables[table].get(key);
  }

  /** All of one job's rows in `jobs` but its own. */
  *photosBelow(key: string): Generator<Row> {
    const { start, end } = rangeBelow(key);
    const young = this.#youngJobKeys(key);
    for (const row of this.#tables.jobs.getRange({ start, end })) if (!young.has(row.key)) yield row;
    yield* this.#rowsOf("jobs", young);
  }

  /** Their keys. */
  *photoKeysBelow(key: string): Generator<string> {
    const young = this.#youngJobKeys(key);
    for (const name of this.#tables.jobs.getKeys(rangeBelow(key))) if (!young.has(name)) yield name;
    for (const name of young) if (this.#isThere("jobs", name)) yield name;
  }

  /** The rows of one user's jobs in `jobs`, their photos' not among them. */
  *jobsBelow(userId: string): Generator<Row> {
    const { start, end } = rangeBelow(userId);
    const young = this.#youngJobKeys(userId);
    for (let from: string | null = start; from !== null; ) {
      const [row] = this.#tables.jobs.getRange({ start: from, end, limit: 1 });
      from = null;
      if (row === undefined) break;
      const job = row.key.split(SEPARATOR, 2).join(SEPARATOR);
      if (job === row.key && !young.has(row.key)) yield row;
      from = job + AFTER_SEPARATOR;
    }
    yield* this.#rowsOf("jobs", young);
  }

  /** From the first on, up to this part of a key and all that goes on from it; null: to the last. */
  *upTo(table: TableName, part: string | null): Generator<Row> {
    const end = part === null ? null : part + AFTER_SEPARATOR;
    for (const row of this.#tables[table].getRange(end === null ? {} : { end })) {
      if (this.#isThere(table, row.key) === undefined) yield row;
    }
    const young = this.#youngKeys(table).filter((key) => end === null || key < end);
    yield* this.#rowsOf(table, young.sort());
  }

  count(table: TableName): number {
    const { entryCount }: { entryCount?: unknown } = this.#tables[table].getStats();
    let count = typeof entryCount === "number" ? entryCount : 0;
    for (const key of this.#youngKeys(table)) {
      const isBelow = this.#tables[table].doesExist(key);
      if (isBelow !== this.#isThere(table, key)) count += isBelow ? -1 : 1;
    }
    return count;
  }

  /** Writes what makes the folder ours, at once and into LMDB itself. Throws LMDB's error. */
  put(values: Readonly<Record<string, string>>): void {
    this.#move(
      Object.entries(values).map(([key, value]) => ({ table: "root", key, value: Buffer.from(value) })),
    );
  }

  /** Resolves when it is as durable as asked for. Rejects, and nothing is written then. */
  async write(fill: (writing: Writing) => void): Promise<void> {
    while (this.#isFull) {
      // Who writes faster than LMDB takes it waits for that; where it takes nothing, there is an end.
      if (this.#moving === null) this.#moveLater();
      if (this.#moving === null || this.#refusal !== null) {
        const cause = this.#refusal ?? new Error("another journal can't be begun");
        throw new Error(`the journal is full, and can't be brought into its tables: ${messageOf(cause)}`, {
          cause,
        });
      }
      await nextTurn();
    }
    const [journal] = this.#journals;
    if (journal !== undefined) return this.#append(journal, fill);
    // Resolves when it is flushed.
    await this.#root.batch(() => {
      fill({
        // LMDB writes it later.
        put: (table, key, value) => void this.#tables[table].put(key, Buffer.from(value)),
        remove: (table, key) => void this.#tables[table].remove(key),
      });
    });
  }

  /** What is in the journal alone goes into LMDB; where that fails, it stays for the next `begin`. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#ageTimer !== null) clearTimeout(this.#ageTimer);
    await this.#moving;
    let isKept = this.#journals.length > 1;
    try {
      if (!isKept) for (const journal of this.#journals) this.#moveWhole(journal);
    } catch {
      isKept = true;
    }
    for (const journal of this.#journals) {
      if (isKept) journal.close();
      else journal.discard();
    }
    await this.#root.close();
  }

  get #isFull(): boolean {
    const [journal] = this.#journals;
    return journal !== undefined && this.#fillOf(journal) > FULL;
  }

  /** Above 1 it is to go into LMDB. */
  #fillOf({ bytes, keys }: Journal): number {
    return Math.max(bytes / this.#maxJournalBytes, keys / this.#maxJournalKeys);
  }

  #append(journal: Journal, fill: (writing: Writing) => void): void {
    journal.append(fill);
    this.#ageTimer ??= setTimeout(() => this.#moveLater(), MAX_JOURNAL_AGE_MS).unref();
    if (this.#fillOf(journal) > 1) this.#moveLater();
  }

  /** Begins to bring the journal into LMDB, a little at a time, unless the one before is still on its way. */
  #moveLater(): void {
    if (this.#ageTimer !== null) clearTimeout(this.#ageTimer);
    this.#ageTimer = null;
    if (this.#moving !== null || this.#isClosed) return;
    if (this.#journals.length === 0) return;
    try {
      this.#journals = [Journal.begin(nextJournal(this.#folder)), ...this.#journals];
    } catch {
      // No room for another file: it goes on in this one.
      this.#ageTimer = setTimeout(() => this.#moveLater(), RETRY_MS).unref();
      return;
    }
    this.#moveOlder();
  }

  #moveOlder(): void {
    if (this.#journals.length < 2) return;
    this.#moving = this.#moveAll().finally(() => {
      this.#moving = null;
    });
  }

  /** All but the newest, the oldest first. */
  async #moveAll(): Promise<void> {
    while (this.#journals.length > 1) {
      const old = this.#journals.at(-1);
      if (old === undefined) return;
      const names = old.names();
      for (let at = 0; at < names.length; at += AT_ONCE) {
        const some = names.slice(at, at + AT_ONCE);
        if (!(await this.#insist(() => this.#move(this.#entriesOf(old, some))))) return;
      }
      if (!(await this.#insist(() => this.#discard(old)))) return;
    }
  }

  /** Tries until it is done. False: it was closed before. */
  async #insist(step: () => void): Promise<boolean> {
    for (;;) {
      await nextTurn();
      try {
        step();
        this.#refusal = null;
        return true;
      } catch (error) {
        this.#refusal = error;
        if (this.#isClosed) return false;
        await wait(RETRY_MS, undefined, { ref: false });
      }
    }
  }

  /** Throws LMDB's error, and nothing is changed then. */
  #moveWhole(journal: Journal): void {
    this.#move(this.#entriesOf(journal, journal.names()));
  }

  /** All of it is in LMDB. Throws the system's error where its file can't be emptied; then it is as it was. */
  #discard(journal: Journal, isFlushed = false): void {
    journal.discard(isFlushed);
    this.#journals = this.#journals.filter((other) => other !== journal);
  }

  #entriesOf(journal: Journal, names: readonly Pick<Entry, "table" | "key">[]): readonly Entry[] {
    return names.map(({ table, key }) => ({ table, key, value: journal.get(table, key) ?? null }));
  }

  /** Throws LMDB's error, and nothing is changed then. */
  #move(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    this.#root.transactionSync(() => {
      for (const { table, key, value } of entries) {
        if (value === null) this.#tables[table].removeSync(key);
        else this.#tables[table].putSync(key, value);
      }
    });
  }

  /** As the newest journal has it that knows of it; undefined: none does. */
  #isThere(table: TableName, key: string): boolean | undefined {
    for (const journal of this.#journals) {
      const isThere = journal.isThere(table, key);
      if (isThere !== undefined) return isThere;
    }
    return undefined;
  }

  /** Keys of which journals know something, each once. */
  #youngKeys(table: TableName): string[] {
    return [...new Set(this.#journals.flatMap((journal) => [...journal.keysOf(table)]))];
  }

  /** Keys of a user's jobs, or of a job's photos, of which journals know something. */
  #youngJobKeys(parent: string): ReadonlySet<string> {
    return new Set(this.#journals.flatMap((journal) => journal.jobKeysBelow(parent)));
  }

  *#rowsOf(table: TableName, keys: Iterable<string>): Generator<Row> {
    for (const key of keys) {
      const value = this.get(table, key);
      if (value !== undefined) yield { key, value };
    }
  }
}

function rangeBelow(key: string): { readonly start: string; readonly end: string } {
  return { start: key + SEPARATOR, end: key + AFTER_SEPARATOR };
}
