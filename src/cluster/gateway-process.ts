import { openLifeline } from "./lifeline.ts";

const { lifeline, started } = openLifeline();
const start = await started;
// Loaded after the first sign of life.
const { runGateway } = await import("./run-gateway.ts");
try {
  if (start.process !== "gateway") throw new Error(`started as ${start.process}`);
  await runGateway(start, lifeline);
} catch (error) {
  lifeline.fail(error);
}
