import { openLifeline } from "./lifeline.ts";

const { lifeline, started } = openLifeline();
const start = await started;
try {
  // Loaded after the first sign of life.
  const { requireSameVersion } = await import("./same-version.ts");
  requireSameVersion(start.version);
  const { runCore } = await import("./run-core.ts");
  if (start.process !== "core") throw new Error(`started as ${start.process}`);
  await runCore(start, lifeline);
} catch (error) {
  lifeline.fail(error);
}
