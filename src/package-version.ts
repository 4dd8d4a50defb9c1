import { createRequire } from "node:module";
import { z } from "zod";

/** Of this program, as its package.json says. */
export function packageVersion(): string {
  const require = createRequire(import.meta.url);
  return z.object({ version: z.string() }).parse(require("progress-hub/package.json")).version;
}
