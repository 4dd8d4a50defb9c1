import { messageOf } from "../../src/message-of.ts";
import type { FromIngest, ToIngest } from "./messages.ts";
import { IngestWorker } from "./worker.ts";

// The ingest load in a process of its own: a child of the coordinator, which it does not outlive.

const stop = new AbortController();
const worker = new IngestWorker({
  signal: stop.signal,
  onProgress: ({ elapsedMs, requests }) => tell({ type: "progress", elapsedMs, requests }),
});

function tell(message: FromIngest): void {
  process.send?.(message);
}

async function carryOut(order: Exclude<ToIngest, { type: "stop" }>): Promise<FromIngest> {
  if (order.type !== "check") return { type: "measured", figures: await worker.load(order) };
  return { type: "checked", figures: await worker.check(order.publicUrl, order.jwtSecret) };
}

process.on("message", (order: ToIngest) => {
  if (order.type !== "stop") {
    carryOut(order).then(tell, (error: unknown) => tell({ type: "broken", reason: messageOf(error) }));
    return;
  }
  stop.abort();
  process.disconnect();
});
process.on("disconnect", () => process.exit(0));
// Ctrl-C goes to all processes of the terminal; the coordinator says when it is over.
process.on("SIGINT", () => undefined);
