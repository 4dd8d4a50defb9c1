import { HubError } from "./errors.ts";

/** What is missing for less may be a restart under way; whoever restarts the hub for it would only make it last. */
const UNHEALTHY_AFTER_MS = 30_000;

/** For `/healthz`, which is slow to fail. `missing`: what there is not. Throws HubError `not_linked`. */
export function assertAlive(missingMs: number, missing: string): void {
  if (missingMs < UNHEALTHY_AFTER_MS) return;
  throw new HubError("not_linked", `${missing} for ${Math.floor(missingMs / 1_000)} s.`);
}
