import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { SCENARIOS } from "../../bench/scenarios/all.ts";
import { command } from "./cli-harness.ts";

/** Nothing listens on port 1 of this machine. */
const NOWHERE = "http://127.0.0.1:1";
const TARGET = ["--target", NOWHERE, "--internal", NOWHERE];

const folder = mkdtempSync(join(tmpdir(), "progress-hub-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function gates(json: string): string {
  const file = join(folder, "gates.json");
  writeFileSync(file, json);
  return file;
}

describe("wrong usage of bench ends with 2 before anything is started", () => {
  test.each([
    [["latncy"], /^progress-hub: latncy is no scenario; did you mean latency\?\n$/],
    [["latency", "xyzxyz"], /^progress-hub: xyzxyz is no scenario; known: connect, latency, /],
    [["latncy", "conect"], /^progress-hub: latncy is .* latency\?\nprogress-hub: conect is .* connect\?\n$/],
    [
      ["--conections", "5"],
      /^progress-hub: --conections is an unknown flag; did you mean --connections\?\n$/,
    ],
    [["latency", "--gate=x"], /^progress-hub: --gate is an unknown flag; did you mean --gates\?\n$/],
    [["--profile", "huge"], /^progress-hub: .*'huge' is invalid.* smoke, ci, full, soak/],
    [["--connections", "0"], /^progress-hub: --connections must be a whole number from 1 to 100000, not 0/],
    [["--connections", "1e3"], /^progress-hub: --connections must be a whole number/],
    [["--connections"], /^progress-hub: option '--connections <n>' argument missing\n$/],
    [["--duration", "0"], /^progress-hub: --duration must be a duration such as 20s or 5m, not 0/],
    [["--duration", "soon"], /^progress-hub: --duration must be a duration/],
    [["--workers", "many"], /^progress-hub: --workers must be a whole number from 0/],
    [["--target", NOWHERE], /^progress-hub: --target and --internal belong together/],
    [["--internal", NOWHERE], /^progress-hub: --target and --internal belong together/],
    [["--target", "localhost", "--internal", NOWHERE], /^progress-hub: --target must be an address/],
    [[...TARGET, "--workers", "2"], /^progress-hub: --workers is for a hub that bench starts; leave it out/],
    [["--gates", "no-such-file"], /^progress-hub: --gates .*no-such-file can't be read \(ENOENT\)/],
  ])("%j", async (argv, line) => {
    const { code, out, err } = await command(["bench", ...argv]);
    expect(err).toMatch(line);
    expect({ code, out }).toEqual({ code: 2, out: "" });
  });
});

describe("a wrong gate file ends with 2, with all that is wrong in it, also where the target is not there", () => {
  test.each([
    ["no JSON", "{", [/gates\.json is no JSON/]],
    ["no object", "[]", [/gates\.json is no JSON object/]],
    [
      "an unknown scenario",
      '{"latncy.sse": ["p(99)<100"]}',
      [/latncy\.sse names no scenario.*latency\.sse\?/],
    ],
    [
      "an unknown metric",
      '{"latency.ssse": ["p(99)<100"]}',
      [/latency\.ssse names no metric.*latency\.sse\?/],
    ],
    ["a threshold of another type", '{"latency.lost": ["p(99)<1"]}', [/"p\(99\)<1" has "p\(99\)"/]],
    ["no threshold", '{"latency.lost": []}', [/latency\.lost has no thresholds/]],
    [
      "a gate that is there twice",
      '{"latency.lost":["count==0"],"latency.lost":["count<9"]}',
      [/is there twice/],
    ],
    [
      "several things",
      '{"latency.lost": ["count=0", "count==none"], "connect.errors": "count==0"}',
      [/count=0/, /count==none/, /connect\.errors has no thresholds/],
    ],
  ])("%s", async (_name, json, lines) => {
    for (const more of [[], TARGET]) {
      const { code, out, err } = await command(["bench", "latency", "--gates", gates(json), ...more]);
      expect({ code, out }).toEqual({ code: 2, out: "" });
      for (const line of lines) expect(err).toMatch(line);
      expect(err.trimEnd().split("\n")).toHaveLength(lines.length);
    }
  });
});

test("a target that is not there ends with 4, by the flag that named it", async () => {
  const secrets = ["--ingest-token", "i".repeat(32), "--jwt-secret", "s".repeat(32)];
  const { code, out, err } = await command(["bench", "latency", ...TARGET, ...secrets]);
  expect({ code, out }).toEqual({ code: 4, out: "" });
  expect(err).toMatch(/^progress-hub: can't reach http:\/\/127\.0\.0\.1:1 \(ECONNREFUSED\).*--target right/);
});

test("help tells every scenario, the exit codes and examples", async () => {
  const { code, out } = await command(["bench", "--help"]);
  expect(code).toBe(0);
  const lines = out.split("\n").map((line) => line.trim().replace(/ +/g, " "));
  for (const { id, about } of SCENARIOS) expect(lines).toContain(`${id} ${about}`);
  expect(out).toMatch(/Exit codes: 0 .* 1 .*2 .* 3 .* 4 /s);
  expect(out).toMatch(/Examples?:\n {2}\S/);
});
