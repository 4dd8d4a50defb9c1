import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { until } from "../../simulator/oracle/until.ts";
import { processesMarked } from "../faults/processes.ts";
import { endBaselines, scriptOf, startBaseline, watch } from "./baseline-process.ts";

afterEach(endBaselines);

describe.each([
  ["bare-relay", "1", 1],
  ["plain-socketio", "0", 1],
  ["plain-socketio", "2", 3],
] as const)("%s with --workers %s", (name, workers, count) => {
  test.each([
    ["SIGTERM", 0],
    ["SIGINT", 0],
    ["SIGKILL", null],
  ] as const)("leaves no process behind at %s", async (signal, code) => {
    const server = await startBaseline(name, "--workers", workers);
    const kind = name === "bare-relay" ? "websocket" : "socketio";
    for (const user of ["anna", "bob"]) await watch(kind, server, user);
    expect(processesMarked(server.mark)).toHaveLength(count);
    const exited = once(server.child, "exit");
    server.child.kill(signal);
    expect((await exited)[0]).toBe(code);
    // Of a primary that was killed, workers learn by their channel.
    const graceMs = signal === "SIGKILL" ? 2_000 : 0;
    await until(() => processesMarked(server.mark).length === 0, "all are gone", graceMs);
    expect(server.out().split("\n")).toHaveLength(1);
  });
});

test.each([
  ["bare-relay", ["--prot", "1"], /--prot/],
  ["plain-socketio", ["--workers", "many"], /--workers must be/],
] as const)("%s tells a flag that makes no sense in one line, and ends with 2", async (name, flags, line) => {
  const child = spawn(process.execPath, [scriptOf(name), ...flags], { stdio: ["ignore", "ignore", "pipe"] });
  let err = "";
  child.stderr.on("data", (chunk) => {
    err += String(chunk);
  });
  const [code] = await once(child, "close");
  expect(err).toMatch(line);
  expect(err.trimEnd().split("\n")).toHaveLength(1);
  expect(code).toBe(2);
});
