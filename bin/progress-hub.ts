#!/usr/bin/env node
import { processHost } from "../src/cli/host.ts";
import { run } from "../src/cli/main.ts";

// A reader that went away (`watch --json | head -1`) is a normal end, not a crash.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
// A reader of the log that went away must not end the hub.
process.stderr.on("error", () => undefined);

const code = await run(processHost());
// What was written to a pipe must be out before the process ends.
process.stdout.write("", () => process.stderr.write("", () => process.exit(code)));
