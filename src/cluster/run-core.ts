import { createVerifier } from "../auth/verify.ts";
import { startCore } from "../core/main.ts";
import { createLog } from "../log.ts";
import type { Answer } from "../metrics/scrape.ts";
import { keepYoungObjectsYoung } from "../young-objects.ts";
import type { Lifeline } from "./lifeline.ts";
import type { StartOf } from "./messages.ts";
import { coreSocketIn } from "./sockets.ts";

/** What delivers the last messages to the gateways: one turn to write them, one for them to be read. */
const LAST_TURNS_MS = 50;

const SCRAPE_TIMEOUT_MS = 1_000;

/** The core process, from its first settings to its end. */
export async function runCore(
  { settings, secrets, folder, startMs, isDraining }: StartOf<"core">,
  lifeline: Lifeline,
): Promise<void> {
  keepYoungObjectsYoung();
  const log = createLog({ settings, secrets, stderr: process.stderr, processName: "core" });
  const core = await startCore({
    settings,
    verifier: createVerifier(settings),
    log,
    cluster: {
      linkPath: coreSocketIn(folder),
      connections: lifeline,
      startMs,
      primary: () => askPrimary(lifeline),
      loading: (place) => lifeline.loading(place),
    },
  });
  if (isDraining) void core.drain();
  lifeline.onDrain(async () => {
    await core.drain();
    setTimeout(() => lifeline.drained(), LAST_TURNS_MS);
  });
  lifeline.onStop(() => void core.close().finally(() => process.exit()));
  lifeline.ready();
}

/** One at a time, as `Scraper` asks. */
async function askPrimary(lifeline: Lifeline): Promise<Answer> {
  const metrics = await new Promise<Answer["metrics"]>((resolve) => {
    const timer = setTimeout(() => resolve(null), SCRAPE_TIMEOUT_MS);
    lifeline.scrape((told) => {
      clearTimeout(timer);
      resolve(told);
    });
  });
  return { name: "primary", metrics };
}
