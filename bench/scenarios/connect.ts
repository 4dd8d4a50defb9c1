import { countText } from "../count-text.ts";
import { byTransport } from "../load/population.ts";
import type { Measured, Scenario } from "./scenario.ts";

export const connect: Scenario = {
  id: "connect",
  about: "everybody connects, with a token each, and holds",
  async *run(bench) {
    const { stage, connected } = await bench.held();
    const { connections, connectPerSecond, holdMs } = bench.size;
    const measured: Measured = {
      variant: null,
      title: `${countText(connections)} connections at ${countText(connectPerSecond)}/s, held for ${holdMs / 1_000} s`,
      load: { connections: byTransport(stage.options.population), eventsPerSecond: null },
      metrics: connected.metrics,
      conditions: null,
      phases: [...connected.phases],
      series: [],
      stages: [],
      notes: connected.notes,
      measuredMs: holdMs,
    };
    yield measured;
  },
};
