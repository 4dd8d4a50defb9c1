import { createRequire } from "node:module";

/** Of this program, as its package.json says. */
export function packageVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)("progress-hub/package.json");
  if (typeof manifest === "object" && manifest !== null && "version" in manifest)
    return String(manifest.version);
  throw new TypeError("package.json names no version");
}
