import { mkdirSync, mkdtempSync, rmdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { makeSocketFolder } from "../../src/cluster/sockets.ts";
import { createPeers } from "../../src/gateway/peers.ts";

afterEach(() => vi.unstubAllEnvs());

test("the folder of the sockets is its user's alone", () => {
  const folder = makeSocketFolder();
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  rmdirSync(folder);
});

test("where TMPDIR is too long for a Unix socket, it is in /tmp", () => {
  const root = mkdtempSync(join(tmpdir(), "long-"));
  const long = join(root, "d".repeat(90));
  mkdirSync(long);
  vi.stubEnv("TMPDIR", long);
  const folder = makeSocketFolder();
  expect(folder).toMatch(/^\/tmp\/progress-hub-/);
  expect(() => createPeers(folder, "999999999")).not.toThrow();
  rmdirSync(folder);
  rmSync(root, { recursive: true });
});

test("where no folder can be made, the error names the place and the cure", () => {
  vi.stubEnv("TMPDIR", "/does/not/exist");
  expect(() => makeSocketFolder()).toThrow(/in \/does\/not\/exist \(ENOENT\); set TMPDIR/);
});
