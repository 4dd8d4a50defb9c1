import { appendFileSync, cpSync, mkdtempSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { Journal, journalsIn, type TableName } from "../../src/engine/resident/journal.ts";
import { type Row, Tables, type TablesOptions } from "../../src/engine/resident/tables.ts";

// What is in tables and journals together is what a map would hold, also after the process died at any byte.

interface Change {
  readonly table: TableName;
  readonly key: string;
  readonly value: string | null;
}

/** By table and key. */
type Model = ReadonlyMap<string, string>;

const USERS = ["u", "u2", "ü"];
const jobKey = fc
  .tuple(fc.constantFrom(...USERS), fc.constantFrom("a", "b"), fc.constantFrom(null, "p", "q"))
  .map((parts) => parts.filter((part) => part !== null).join("\n"));
const value = fc.oneof(
  fc.constantFrom("", "ünï → 🙂"),
  fc.string({ maxLength: 40, unit: "grapheme" }),
  fc.nat(2_000).map((length) => "x".repeat(length)),
);
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ table: fc.constant("jobs" as const), key: jobKey, value: fc.option(value) }),
  fc.record({
    table: fc.constantFrom("ended" as const, "owners" as const),
    key: fc.constantFrom("1", "2", "3\nx"),
    value: fc.option(value),
  }),
);
const groups = fc.array(fc.array(change, { minLength: 1, maxLength: 8 }), { maxLength: 12 });

function after(model: Model, changes: readonly Change[]): Model {
  const next = new Map(model);
  for (const { table, key, value: text } of changes) {
    if (text === null) next.delete(`${table} ${key}`);
    else next.set(`${table} ${key}`, text);
  }
  return next;
}

function textsOf(rows: Iterable<Row>): { readonly key: string; readonly value: string }[] {
  return [...rows].map(({ key, value: bytes }) => ({ key, value: bytes.toString() }));
}

function contentOf(tables: Tables): Model {
  const names: readonly TableName[] = ["jobs", "ended", "owners"];
  return new Map(
    names.flatMap((table) =>
      textsOf(tables.upTo(table, null)).map((row) => [`${table} ${row.key}`, row.value]),
    ),
  );
}

function expectToHold(tables: Tables, model: Model): void {
  const sorted = (of: Model) => [...of].sort(([left], [right]) => (left < right ? -1 : 1));
  expect(sorted(contentOf(tables))).toEqual(sorted(model));
  for (const [name, text] of model) {
    const [table = "", ...key] = name.split(" ");
    expect(tables.get(table as TableName, key.join(" "))?.toString()).toBe(text);
  }
  const rowsOf = (wanted: (key: string) => boolean) =>
    [...model].flatMap(([name]) =>
      name.startsWith("jobs ") && wanted(name.slice(5)) ? [name.slice(5)] : [],
    );
  for (const user of USERS) {
    const jobs = [...tables.jobsBelow(user)].map(({ key }) => key);
    expect(jobs.sort()).toEqual(
      rowsOf((key) => key.startsWith(`${user}\n`) && key.split("\n").length === 2).sort(),
    );
    const photos = [...tables.photosBelow(`${user}\na`)].map(({ key }) => key);
    expect(photos.sort()).toEqual(rowsOf((key) => key.startsWith(`${user}\na\n`)).sort());
  }
  expect(tables.count("ended")).toBe([...model.keys()].filter((name) => name.startsWith("ended ")).length);
}

function openIn(folder: string, limits: Pick<TablesOptions, "maxJournalBytes" | "maxJournalKeys">): Tables {
  const tables = new Tables({ folder, durability: "commit", ...limits });
  tables.begin(true);
  return tables;
}

async function write(tables: Tables, changes: readonly Change[]): Promise<void> {
  await tables.write((writing) => {
    for (const { table, key, value: text } of changes) {
      if (text === null) writing.remove(table, key);
      // Bytes may be others as soon as they were put.
      else if (text.length % 2 === 0) writing.put(table, key, text);
      else {
        const bytes = Buffer.from(text);
        writing.put(table, key, bytes);
        bytes.fill(0xff);
      }
    }
  });
}

it("hold what was written, while journals go into the tables and after every kind of end", async () => {
  const ends = fc.constantFrom("none" as const, "close" as const, "kill" as const, "sync" as const);
  const steps = fc.array(fc.tuple(fc.array(change, { minLength: 1, maxLength: 8 }), ends), { maxLength: 12 });
  const bytes = [200, 2_000, 1_000_000].map((maxJournalBytes) => ({ maxJournalBytes }));
  const limits = fc.constantFrom(...bytes, { maxJournalKeys: 3 }, { maxJournalKeys: 10 });
  await fc.assert(
    fc.asyncProperty(steps, limits, async (told, limits) => {
      const folders = [mkdtempSync(join(tmpdir(), "progress-hub-test-"))];
      const folder = () => folders.at(-1) ?? "";
      let tables = openIn(folder(), limits);
      let model: Model = new Map();
      const left: Tables[] = [];
      try {
        for (const [changes, end] of told) {
          await write(tables, changes);
          model = after(model, changes);
          expectToHold(tables, model);
          if (end === "close" || end === "sync") await tables.close();
          if (end === "sync") {
            const synced = new Tables({ folder: folder(), durability: "sync" });
            synced.begin(false);
            expectToHold(synced, model);
            await synced.close();
          }
          if (end === "kill") {
            // The one before goes on, in a folder that nobody looks at any more.
            left.push(tables);
            const copy = mkdtempSync(join(tmpdir(), "progress-hub-test-"));
            cpSync(folder(), copy, { recursive: true });
            folders.push(copy);
          }
          if (end !== "none") tables = openIn(folder(), limits);
          expectToHold(tables, model);
          // Some way on with a move that is under way.
          await new Promise((resolve) => setImmediate(resolve));
        }
      } finally {
        for (const one of [...left, tables]) await one.close();
        for (const one of folders) rmSync(one, { recursive: true });
      }
    }),
    { numRuns: 60 },
  );
});

it("hold, after an end in the middle of a write, all that was written whole before it, and nothing of it", async () => {
  await fc.assert(
    fc.asyncProperty(groups, fc.double({ min: 0, max: 1, noNaN: true }), async (told, share) => {
      const folder = mkdtempSync(join(tmpdir(), "progress-hub-test-"));
      const copy = mkdtempSync(join(tmpdir(), "progress-hub-test-"));
      const tables = openIn(folder, {});
      const [journal = ""] = journalsIn(folder);
      const written: { readonly bytes: number; readonly model: Model }[] = [{ bytes: 0, model: new Map() }];
      try {
        for (const changes of told) {
          await write(tables, changes);
          const model = after(written.at(-1)?.model ?? new Map(), changes);
          written.push({ bytes: statSync(journal).size, model });
        }
        cpSync(folder, copy, { recursive: true });
        const bytes = Math.floor(share * (written.at(-1)?.bytes ?? 0));
        truncateSync(join(copy, "journal-1"), bytes);
        const again = openIn(copy, {});
        expectToHold(again, written.filter((one) => one.bytes <= bytes).at(-1)?.model ?? new Map());
        await again.close();
      } finally {
        await tables.close();
        for (const one of [folder, copy]) rmSync(one, { recursive: true });
      }
    }),
    { numRuns: 60 },
  );
});

it("begins where what journals hold can't be moved, reads it all the same, and says why when there is no room left", async () => {
  const folder = mkdtempSync(join(tmpdir(), "progress-hub-tables-"));
  // Longer than LMDB's longest key: it stands for whatever LMDB refuses, as a full disk does.
  const poison = "k".repeat(3_000);
  const options = { folder, durability: "commit" as const, maxJournalBytes: 5_000 };
  const first = new Tables(options);
  first.begin(true);
  await first.write((writing) => {
    writing.put("jobs", "u\nj", "job");
    writing.put("jobs", "u\nj\np", "photo");
    writing.put("owners", poison, "u");
  });
  await first.close();
  const second = new Tables(options);
  second.begin(true);
  await second.write((writing) => {
    writing.put("jobs", "u\nj\nq", "another");
    writing.remove("jobs", "u\nj\np");
  });
  await second.close();
  const third = new Tables(options);
  third.begin(true);
  expect(textsOf(third.jobsBelow("u"))).toEqual([{ key: "u\nj", value: "job" }]);
  expect(textsOf(third.photosBelow("u\nj"))).toEqual([{ key: "u\nj\nq", value: "another" }]);
  expect([...third.photoKeysBelow("u\nj")]).toEqual(["u\nj\nq"]);
  expect(third.get("owners", poison)?.toString()).toBe("u");
  const fill = async () => {
    for (let index = 0; index < 200; index += 1) {
      await third.write((writing) => writing.put("owners", `o${index}`, "x".repeat(200)));
    }
  };
  await expect(fill()).rejects.toThrow(/the journal is full, and can't be brought into its tables: .+/);
  await third.close();
  // With `sync` what is written at once would be older than what waits.
  const synced = new Tables({ folder, durability: "sync" });
  expect(() => synced.begin(false)).toThrow();
  await synced.close();
  rmSync(folder, { recursive: true });
});

it("goes on in a journal whose last group was not written whole", () => {
  const folder = mkdtempSync(join(tmpdir(), "progress-hub-tables-"));
  const path = join(folder, "journal-1");
  const first = Journal.begin(path);
  first.append((writing) => writing.put("users", "u", "one"));
  first.close();
  appendFileSync(path, Buffer.alloc(1_000, 7));
  const second = Journal.reopen(path);
  second.append((writing) => writing.put("users", "v", "two"));
  expect(["u", "v"].map((key) => second.get("users", key)?.toString())).toEqual(["one", "two"]);
  second.close();
  const third = Journal.reopen(path);
  expect([...third.keysOf("users")].map((key) => third.get("users", key)?.toString())).toEqual([
    "one",
    "two",
  ]);
  third.close();
  rmSync(folder, { recursive: true });
});
