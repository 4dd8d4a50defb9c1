import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { expect, it } from "vitest";

const MAX_GZIP_BYTES = 12 * 1_024;

it("the SDK for browsers has nothing of Node in it, and is small", async () => {
  const warnings: string[] = [];
  const built = await build({
    configFile: false,
    logLevel: "silent",
    build: {
      write: false,
      lib: { entry: fileURLToPath(new URL("../../src/client/index.ts", import.meta.url)), formats: ["es"] },
      rollupOptions: {
        onwarn: ({ message }) => {
          warnings.push(message);
        },
      },
    },
  });
  const [bundle] = [built].flat();
  if (bundle === undefined || !("output" in bundle)) throw new Error("nothing was built");
  const { output } = bundle;
  const [chunk] = output;
  expect(output).toHaveLength(1);
  expect(warnings).toEqual([]);
  expect(chunk.imports).toEqual([]);
  expect(chunk.code).not.toMatch(/\b(process|Buffer|require|__dirname)\b/);
  const bytes = gzipSync(chunk.code).length;
  console.log(`the SDK has ${bytes} bytes, gzip`);
  expect(bytes).toBeLessThan(MAX_GZIP_BYTES);
});
