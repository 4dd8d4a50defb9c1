// A hub in a process of its own, so that its memory can be measured: node --expose-gc hub-process.mjs '<settings>'.
// Runs the built code. Answers the message "measure" with its memory after a collection, and its stats.
import { setTimeout } from "node:timers/promises";
import { pino } from "pino";
import { settingsFor } from "../../dist/src/config/load.js";
import { startHub } from "../../dist/src/core/hub.js";

const SETTLED_BYTES = 1_000_000;
const ROUNDS_WITHOUT_LESS = 5;
const REST_MS = 400;

const hub = await startHub({
  settings: settingsFor(JSON.parse(process.argv[2])),
  log: pino({ level: "silent" }),
});
process.on("message", async () => {
  // V8 gives pages back over several collections, and rests in between: the least that is seen, until a while passes
  // without less, is what the process needs.
  let least = process.memoryUsage();
  for (let rounds = 0; rounds < ROUNDS_WITHOUT_LESS; rounds += 1) {
    globalThis.gc();
    await setTimeout(REST_MS);
    const memory = process.memoryUsage();
    if (memory.rss < least.rss - SETTLED_BYTES) rounds = 0;
    if (memory.rss < least.rss) least = memory;
  }
  process.send({ kind: "measured", memory: least, stats: hub.stats() });
});
process.on("disconnect", () => process.exit());
process.send({ kind: "ready", publicUrl: hub.publicUrl, internalUrl: hub.internalUrl });
