import { openLifeline } from "./lifeline.ts";

const { lifeline, started } = openLifeline();
const start = await started;
// Loaded after the first sign of life.
const { runCore } = await import("./run-core.ts");
try {
  if (start.process !== "core") throw new Error(`started as ${start.process}`);
  await runCore(start, lifeline);
} catch (error) {
  lifeline.fail(error);
}
