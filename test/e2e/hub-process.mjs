// A hub in a process of its own, so that its memory can be measured: node --expose-gc hub-process.mjs '<settings>'.
// Runs the built code. Answers the message "measure" with its memory after a collection, and its stats.
import { pino } from "pino";
import { settingsFor } from "../../dist/src/config/load.js";
import { startHub } from "../../dist/src/core/hub.js";

const hub = await startHub({
  settings: settingsFor(JSON.parse(process.argv[2])),
  log: pino({ level: "silent" }),
});
process.on("message", () => {
  globalThis.gc();
  process.send({ kind: "measured", memory: process.memoryUsage(), stats: hub.stats() });
});
process.on("disconnect", () => process.exit());
process.send({ kind: "ready", publicUrl: hub.publicUrl, internalUrl: hub.internalUrl });
