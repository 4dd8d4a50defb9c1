import { fileURLToPath } from "node:url";
import { build } from "vite";

/** A module of this folder, with all that it imports, as one script for a page. */
export async function bundled(entry: string): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: "silent",
    oxc: { jsx: { runtime: "automatic" } },
    // As in production, without which React checks more, and renders twice in StrictMode, which is what tests want.
    define: { "process.env.NODE_ENV": '"development"' },
    build: {
      write: false,
      minify: false,
      lib: { entry: fileURLToPath(new URL(entry, import.meta.url)), formats: ["es"] },
    },
  });
  const [bundle] = [built].flat();
  if (bundle === undefined || !("output" in bundle)) throw new Error("nothing was built");
  return bundle.output[0].code;
}
