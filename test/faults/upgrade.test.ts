import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { until } from "../../simulator/oracle/until.ts";
import { program, startProgram } from "./cluster.ts";
import { endScenes } from "./scene.ts";

const root = join(dirname(program), "..", "..");
let folder: string | null = null;
afterEach(async () => {
  endScenes();
  if (folder !== null) await rm(folder, { recursive: true });
});

test("SIGHUP with another version on disk: the old gateways stay, and the log says what to do", async () => {
  folder = await mkdtemp(join(tmpdir(), "progress-hub-copy-"));
  await cp(join(root, "dist"), join(folder, "dist"), { recursive: true });
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  const manifest = await readFile(join(root, "package.json"), "utf8");
  await writeFile(join(folder, "package.json"), manifest);
  const hub = await startProgram(join(folder, "dist", "bin", "progress-hub.js"), ["--workers", "1"]);
  const gateways = hub.gatewayPids();
  const { version } = JSON.parse(manifest);
  await writeFile(join(folder, "package.json"), manifest.replace(`"${version}"`, '"99.0.0"'));
  process.kill(hub.pid, "SIGHUP");
  await until(
    () => hub.stderr.includes("the program on disk is version 99.0.0") || null,
    "the log names both versions",
    10_000,
    () => hub.stderr,
  );
  expect(hub.stderr).toMatch(/stop it, and start it again.*the gateways were not replaced/);
  expect(hub.gatewayPids()).toEqual(gateways);
  expect((await fetch(`${hub.publicUrl}/readyz`)).status).toBe(200);
  expect(await hub.stop()).toBe(0);
});
