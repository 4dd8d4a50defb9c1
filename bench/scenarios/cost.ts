import { countText } from "../count-text.ts";
import { byTransport } from "../load/population.ts";
import { gauge } from "../metric.ts";
import { TRANSPORTS } from "../transports.ts";
import type { Scenario } from "./scenario.ts";
import { measuredOf, usersFor } from "./steady-load.ts";

/** Short against what changes on a machine by the minute, and long against what is under way between two of them. */
const SLOT_MS = 2_000;
const MIN_ROUNDS = 4;
/**
 * What a hub that has just started, and compiles as it goes, can take beside everybody's first job: with more its gateways
 * fall behind and read the newest states in place of messages, which is no loss, but not what is measured here either.
 */
const COLD_RATE = 1_000;

export const cost: Scenario = {
  id: "cost",
  about: "CPU and memory a connection and an event, each transport in a fresh hub",
  async *run(bench) {
    const { connections, connectPerSecond, holdMs, rates, warmUpMs, measureMs } = bench.size;
    for (const transport of TRANSPORTS.filter((one) => bench.transports.includes(one))) {
      for (const eventsPerSecond of rates) {
        yield await bench.fresh({ connections, connectPerSecond, mix: [transport] }, async (stage) => {
          await stage.connect(this.id);
          const idle = await stage.hold(this.id, holdMs);
          const users = usersFor(eventsPerSecond, connections);
          const plan = {
            ...{ scenario: this.id, eventsPerSecond, users, photosPerUser: 1, warmUpMs, measureMs },
            isEachShown: true,
          };
          if (eventsPerSecond > COLD_RATE && bench.turns === null) {
            await stage.load({
              ...{ ...plan, eventsPerSecond: COLD_RATE, users: usersFor(COLD_RATE, connections) },
              ...{ warmUpMs: 0, measureMs: warmUpMs, isEachShown: false },
            });
          }
          const meet = (slotMs: number) =>
            bench.turns === null ? null : stage.meanwhile(this.id, "meet", bench.turns.meet(slotMs));
          const turn = await meet(Math.min(SLOT_MS, measureMs / MIN_ROUNDS));
          const outcome = await stage.load(turn === null ? plan : { ...plan, turn });
          const afterKib = stage.pssGrowthKib();
          // What ends while the other side is still at it would be in its figures.
          await meet(0);
          const rate = `${countText(eventsPerSecond)} events/s`;
          const measured = measuredOf(stage, plan, outcome, {
            variant: `${transport}, ${rate}`,
            title: `${countText(connections)} connections of one kind, idle, then ${rate}`,
          });
          const metrics = new Map(measured.metrics);
          if (idle !== null) {
            metrics.set("pss_per_connection_idle", gauge(idle.pssGrowthKib / connections, "KiB"));
            metrics.set("idle_cpu_per_connection", gauge(idle.cpuUsPerSecond / connections, "µs/s"));
          }
          if (afterKib !== null) {
            metrics.set("pss_per_connection_after", gauge(afterKib / connections, "KiB"));
          }
          return {
            ...measured,
            load: { ...measured.load, connections: byTransport(stage.options.population) },
            metrics,
          };
        });
      }
    }
  },
};
