import { Emitter } from "./emitter.ts";
import type { FromEmitter, ToEmitter } from "./messages.ts";

// The emitter in a process of its own: a child of the coordinator, which it does not outlive.

const COUNTS_EVERY_MS = 100;
let emitter: Emitter | null = null;

process.on("message", (order: ToEmitter) => {
  if (order.type === "stop") {
    emitter?.stop();
    process.disconnect();
    return;
  }
  const begun = new Emitter(order);
  emitter = begun;
  const timer = setInterval(() => {
    const counts = begun.counts();
    const message: FromEmitter = { type: "counts", counts };
    process.send?.(message);
    if (counts.isDone) clearInterval(timer);
  }, COUNTS_EVERY_MS);
});
process.on("disconnect", () => process.exit(0));
// Ctrl-C goes to all processes of the terminal; the coordinator says when it is over.
process.on("SIGINT", () => undefined);
