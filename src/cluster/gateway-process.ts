import { openLifeline } from "./lifeline.ts";

const { lifeline, started } = openLifeline();
const start = await started;
try {
  // Loaded after the first sign of life.
  const { requireSameVersion } = await import("./same-version.ts");
  requireSameVersion(start.version);
  const { runGateway } = await import("./run-gateway.ts");
  if (start.process !== "gateway") throw new Error(`started as ${start.process}`);
  await runGateway(start, lifeline);
} catch (error) {
  lifeline.fail(error);
}
