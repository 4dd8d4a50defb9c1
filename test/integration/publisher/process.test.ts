import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { problem, type ScriptedHub, startScriptedHub } from "./scripted-hub.ts";

const library = new URL("../../../dist/src/index.js", import.meta.url);
const DEADLINE_MS = 15_000;

let hub: ScriptedHub;

beforeEach(async () => {
  hub = await startScriptedHub();
});

afterEach(() => hub.close());

/** Runs a backend of a few lines, built as users get it, until it ends by itself. */
async function runBackend(lines: string): Promise<{ code: number | null; errors: string }> {
  const script = `
    import { createPublisher } from ${JSON.stringify(library.href)};
    const publisher = createPublisher({ url: ${JSON.stringify(hub.url)}, token: "t", retry: { minMs: 5, maxMs: 20 } });
    ${lines}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS);
  await once(child, "close");
  clearTimeout(timer);
  return { code: child.exitCode, errors };
}

const publishOne = `
  publisher.publish({ type: "photo.upload.completed", data: { jobId: "j", photoId: "a" } });`;

describe("a backend's process", () => {
  it("stays until what is pending is delivered, and ends then without close()", async () => {
    hub.script(problem(503, "draining"), problem(503, "draining"));
    expect(await runBackend(publishOne)).toEqual({ code: 0, errors: "" });
    expect(hub.accepted).toHaveLength(1);
    expect(hub.batches).toHaveLength(3);
  });

  it("is not kept by a publisher that has nothing to send", async () => {
    expect(await runBackend("")).toEqual({ code: 0, errors: "" });
  });

  it("is not ended by rejections that nobody looks at", async () => {
    hub.script(problem(401, "unauthorized"));
    const later = `${publishOne} await publisher.flush(); ${publishOne} await publisher.flush();`;
    expect(await runBackend(later)).toEqual({ code: 0, errors: "" });
    expect(hub.accepted).toHaveLength(1);
  });
});
