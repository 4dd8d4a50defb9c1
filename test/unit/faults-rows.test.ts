import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { z } from "zod";

const FOLDER = new URL("../faults/", import.meta.url);
const rows = z
  .array(z.object({ row: z.string(), fault: z.string(), files: z.array(z.string()).min(1) }))
  .parse(JSON.parse(readFileSync(new URL("rows.json", FOLDER), "utf8")));

test("every file of test/faults is a row's, and no row names one that is not there", () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".test.ts"));
  const named = new Set(rows.flatMap((row) => row.files.map((file) => `${file}.test.ts`)));
  expect([...named].sort()).toEqual(files.sort());
});

test("the rows of faults.md that are told with the oracle are there, each once", () => {
  const names = rows.map(({ row }) => row);
  expect(new Set(names).size).toBe(names.length);
  for (const row of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 18, 19, 20]) expect(names).toContain(String(row));
});
