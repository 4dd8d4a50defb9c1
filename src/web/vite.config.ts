import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Both pages, each with its files, into dist/web, where the hub reads them (src/pages.ts). */
export default defineConfig({
  root: here("."),
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
