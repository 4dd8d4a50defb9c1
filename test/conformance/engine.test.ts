import { createEngine, settle } from "../engine-harness.ts";
import { linkedEngine } from "../link-harness.ts";
import { engineConformance } from "./engine.ts";

engineConformance("the core itself, in memory", async () => {
  const { engine, clock } = createEngine();
  return {
    engine,
    pass: async (ms) => await clock.advance(ms),
    settle,
    stop: async () => engine.close(),
  };
});

engineConformance("the core in memory, over a link", async () => {
  const { side, clock, settled, stop } = await linkedEngine();
  return {
    engine: side,
    async pass(ms) {
      await clock.advance(ms);
      await settled();
    },
    settle: settled,
    stop,
  };
});
