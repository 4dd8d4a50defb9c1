import { once } from "node:events";
import { jsonOf } from "./event.ts";
import type { Sink } from "./sink.ts";

/** One event a line, to be looked at or piped on; waits where nobody reads. */
export function ndjsonSink(out: NodeJS.WritableStream): Sink {
  return {
    name: "standard output",
    async send(events, signal) {
      const isMore = out.write(events.map((event) => `${jsonOf(event)}\n`).join(""));
      if (!isMore) await once(out, "drain", { signal }).catch(() => undefined);
      return signal.aborted ? null : { accepted: events.length, unchanged: 0, rejected: [] };
    },
  };
}
