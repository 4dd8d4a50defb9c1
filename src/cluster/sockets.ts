import { join } from "node:path";

/** Unix sockets of a hub's processes, in a folder that only its user may enter. */
export function coreSocketIn(folder: string): string {
  return join(folder, "core.sock");
}
