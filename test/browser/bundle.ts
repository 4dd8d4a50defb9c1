import { fileURLToPath } from "node:url";
import { build } from "vite";

const path = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));

/** React in development checks more, and renders twice in StrictMode. */
export type Mode = "development" | "production";

/** A module, by its path from the root, with all that it imports, now or later, as one script for a page. */
export async function bundled(entry: string, mode: Mode): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: "silent",
    // Said here, since Vitest's own NODE_ENV is neither.
    oxc: { jsx: { runtime: "automatic", development: false } },
    define: { "process.env.NODE_ENV": JSON.stringify(mode) },
    resolve: {
      alias: {
        "progress-hub/client": path("src/client/index.ts"),
        "progress-hub/react": path("src/client/react/index.ts"),
      },
    },
    build: {
      write: false,
      minify: false,
      lib: { entry: path(entry), formats: ["es"] },
      rolldownOptions: { output: { codeSplitting: false } },
    },
  });
  const [bundle] = [built].flat();
  if (bundle === undefined || !("output" in bundle)) throw new Error("nothing was built");
  const [script, ...others] = bundle.output;
  if (others.length > 0) throw new Error(`${entry} is more than one script`);
  return script.code;
}
