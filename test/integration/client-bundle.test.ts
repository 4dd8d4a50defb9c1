import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Rolldown } from "vite";
import { expect, it } from "vitest";

const MAX_GZIP_BYTES = 12 * 1_024;
const [entry, socketIo] = ["index", "socketio"].map((name) =>
  fileURLToPath(new URL(`../../src/client/${name}.ts`, import.meta.url)),
);

it("the SDK for browsers has nothing of Node in it, is small, and loads Socket.IO only when it is asked for", async () => {
  const warnings: string[] = [];
  const built = await build({
    configFile: false,
    logLevel: "silent",
    build: {
      write: false,
      lib: { entry: entry ?? "", formats: ["es"] },
      rollupOptions: {
        onwarn: ({ message }) => {
          warnings.push(message);
        },
      },
    },
  });
  const [bundle] = [built].flat();
  if (bundle === undefined || !("output" in bundle)) throw new Error("nothing was built");
  const [main, ...others] = bundle.output;
  expect(warnings).toEqual([]);
  expect(main.imports).toEqual([]);
  expect(main.moduleIds).toContain(socketIo);
  expect(main.moduleIds.filter((id) => /socket\.io|engine\.io/.test(id))).toEqual([]);
  expect(others.map(({ fileName }) => fileName)).toEqual(main.dynamicImports);
  expect(others.filter(isChunk).flatMap(({ moduleIds }) => moduleIds)).toContainEqual(
    expect.stringMatching(/socket\.io-client/),
  );
  expect(main.code).not.toMatch(/\b(process|Buffer|require|__dirname)\b/);
  const bytes = gzipSync(main.code).length;
  console.log(`the SDK has ${bytes} bytes, gzip; ${others.map(sizeOf).join(", ")} when asked for`);
  expect(bytes).toBeLessThan(MAX_GZIP_BYTES);
});

function isChunk(output: Rolldown.OutputChunk | Rolldown.OutputAsset): output is Rolldown.OutputChunk {
  return output.type === "chunk";
}

function sizeOf(output: Rolldown.OutputChunk | Rolldown.OutputAsset): string {
  return `${output.fileName} ${gzipSync(isChunk(output) ? output.code : output.source).length}`;
}
