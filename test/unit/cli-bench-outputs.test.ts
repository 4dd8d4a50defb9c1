import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, expect, test } from "vitest";
import { parseResult } from "../../bench/result.ts";
import { type OutputFiles, writeOutputs } from "../../src/cli/bench/outputs.ts";
import type { Host } from "../../src/cli/host.ts";
import { fullResult } from "./bench-result.ts";

const folder = mkdtempSync(join(tmpdir(), "progress-hub-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const result = fullResult();
const text = (name: string) => readFileSync(join(folder, name), "utf8");

async function write(files: OutputFiles, env: Host["env"] = {}): Promise<string> {
  const stdout = new PassThrough();
  await writeOutputs(
    {
      ...{ argv: [], env, cwd: folder, stdout, stderr: new PassThrough(), invocation: "" },
      exit: () => undefined,
      onSignal: () => () => undefined,
    },
    files,
    result,
  );
  return String(stdout.read() ?? "");
}

test("each format goes to its file, from the folder where the command runs, and is told", async () => {
  const files = { json: "a.json", markdown: "a.md", html: "a.html", junit: "a.xml" };
  expect(await write(files)).toBe("json: a.json\nmarkdown: a.md\nhtml: a.html\njunit: a.xml\n");
  expect(parseResult(text("a.json"))).toEqual(result);
  expect(text("a.html")).toMatch(/^<!doctype html>/i);
  expect(text("a.xml")).toMatch(/^<\?xml /);
  expect(text("a.md")).toMatch(/^#/);
});

test("a summary of a step is added to, where there is one", async () => {
  writeFileSync(join(folder, "summary.md"), "before\n");
  expect(await write({}, { GITHUB_STEP_SUMMARY: join(folder, "summary.md") })).toBe("");
  await write({ markdown: "b.md" }, { GITHUB_STEP_SUMMARY: "" });
  expect(text("summary.md")).toBe(`before\n${text("b.md")}`);
});

test.each([
  [{ html: "no-such-folder/a.html" }, {}, "--html no-such-folder/a.html can't be written (ENOENT)"],
  [{}, { GITHUB_STEP_SUMMARY: "/" }, "GITHUB_STEP_SUMMARY can't be written (EISDIR)"],
])("what can't be written fails with 1: %j %j", async (files, env, message) => {
  await expect(write(files, env)).rejects.toMatchObject({ exitCode: 1, message });
});
