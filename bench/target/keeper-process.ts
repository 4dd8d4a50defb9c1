import { rmSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import type { Kept } from "./keeper.ts";

const LOOK_EVERY_MS = 20;
const LOOKS = 100;

let kept: Kept | null = null;

process.on("message", (message: Kept) => {
  kept = message;
});
process.on("disconnect", () => void end());
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);

async function end(): Promise<void> {
  if (kept === null) process.exit(0);
  const { group, folder } = kept;
  // What still writes would bring the folder back.
  for (let look = 0; signalled(group) && look < LOOKS; look += 1) await wait(LOOK_EVERY_MS);
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
}

/** False: nobody of the group is there. */
function signalled(group: number): boolean {
  try {
    process.kill(-group, "SIGKILL");
    return true;
  } catch {
    return false;
  }
}
