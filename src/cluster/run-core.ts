import { createVerifier } from "../auth/verify.ts";
import { startCore } from "../core/main.ts";
import { createLog } from "../log.ts";
import type { Answer } from "../metrics/scrape.ts";
import type { Lifeline } from "./lifeline.ts";
import type { CoreStart } from "./messages.ts";
import { coreSocketIn } from "./sockets.ts";

/** What delivers the last messages to the gateways: one turn to write them, one for them to be read. */
const LAST_TURNS_MS = 50;

/** Of metrics that should come every second. */
const STALE_AFTER_MS = 3_000;

/** The core process, from its first settings to its end. */
export async function runCore({ settings, folder, startMs }: CoreStart, lifeline: Lifeline): Promise<void> {
  const log = createLog(settings, process.stderr, "core");
  const primary = listenToPrimary(lifeline);
  const core = await startCore({
    settings,
    verifier: createVerifier(settings),
    log,
    cluster: { linkPath: coreSocketIn(folder), connections: lifeline, startMs, primary },
  });
  lifeline.onDrain(() => {
    core.drain();
    setTimeout(() => lifeline.drained(), LAST_TURNS_MS);
  });
  lifeline.onStop(() => void core.close().finally(() => process.exit()));
  lifeline.ready();
}

/** Gives what the primary told last, while that is not too long ago. */
function listenToPrimary(lifeline: Lifeline): () => Answer {
  let metrics: Answer["metrics"] = null;
  let toldAtMs = 0;
  lifeline.onMetrics((told) => {
    metrics = told;
    toldAtMs = performance.now();
  });
  return () => ({ name: "primary", metrics: performance.now() - toldAtMs > STALE_AFTER_MS ? null : metrics });
}
