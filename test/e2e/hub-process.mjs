// A hub in a process of its own, so that its memory can be measured: node --expose-gc hub-process.mjs '<settings>'.
// Runs the built code. Answers the message "measure" with its memory after a collection, and its stats.
import { setTimeout } from "node:timers/promises";
import { pino } from "pino";
import { settingsFor } from "../../dist/src/config/load.js";
import { startHub } from "../../dist/src/core/hub.js";

const SETTLED_BYTES = 1_000_000;

const hub = await startHub({
  settings: settingsFor(JSON.parse(process.argv[2])),
  log: pino({ level: "silent" }),
});
process.on("message", async () => {
  // V8 gives pages back over several collections: what is left after the last of them is what the process needs.
  let before = Number.POSITIVE_INFINITY;
  for (
    let memory = process.memoryUsage();
    before - memory.rss > SETTLED_BYTES;
    memory = process.memoryUsage()
  ) {
    before = memory.rss;
    globalThis.gc();
    await setTimeout(1_000);
    globalThis.gc();
    await setTimeout(1_000);
  }
  process.send({ kind: "measured", memory: process.memoryUsage(), stats: hub.stats() });
});
process.on("disconnect", () => process.exit());
process.send({ kind: "ready", publicUrl: hub.publicUrl, internalUrl: hub.internalUrl });
