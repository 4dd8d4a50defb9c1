import { createEngine } from "../engine-harness.ts";
import { engineConformance } from "./engine.ts";

engineConformance("the core itself, in memory", async () => {
  const { engine, clock } = createEngine();
  return {
    engine,
    pass: async (ms) => clock.advance(ms),
    stop: async () => engine.close(),
  };
});
