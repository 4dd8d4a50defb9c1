import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Each file once more, zipped: now, and not whenever a process of a hub starts. As it was written, which others still change. */
const zipped: Plugin = {
  name: "zipped",
  writeBundle({ dir = "" }, bundle) {
    for (const fileName of Object.keys(bundle)) {
      const path = join(dir, fileName);
      writeFileSync(`${path}.gz`, gzipSync(readFileSync(path)));
    }
  },
};

/** Both pages, each with its files, into dist/web, where the hub reads them (src/pages.ts). */
export default defineConfig({
  root: here("."),
  plugins: [zipped],
  oxc: { jsx: { runtime: "automatic" } },
  build: {
    outDir: here("../../dist/web"),
    emptyOutDir: true,
    target: "es2022",
    // An inlined file would be a data: URL, which the policy of the pages forbids.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: [here("uploads/index.html"), here("operations/index.html")] },
  },
});
