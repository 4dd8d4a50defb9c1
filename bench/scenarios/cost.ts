import { countText } from "../count-text.ts";
import { byTransport } from "../load/population.ts";
import { counter, gauge } from "../metric.ts";
import { TRANSPORTS } from "../transports.ts";
import type { Scenario } from "./scenario.ts";
import { measuredOf, usersFor } from "./steady-load.ts";

/** Short against what changes on a machine by the minute, and long against what is under way between two of them. */
const SLOT_MS = 2_000;
const MIN_ROUNDS = 4;
/**
 * What a hub that has just started, and compiles as it goes, can take beside first jobs of users: with more its gateways
 * fall behind and read the newest states in place of messages, which is no loss, but not what is measured here either.
 */
const COLD_RATE = 1_000;
/** What must not happen while it is only warmed up, either. */
const FINDINGS = ["lost", "foreign", "disordered", "duplicate"] as const;

export const cost: Scenario = {
  id: "cost",
  about: "CPU and memory a connection and an event, each transport in a fresh hub",
  async *run(bench) {
    const { connections, connectPerSecond, holdMs, rates, warmUpMs, measureMs } = bench.size;
    for (const transport of TRANSPORTS.filter((one) => bench.transports.includes(one))) {
      for (const eventsPerSecond of rates) {
        yield await bench.fresh({ connections, connectPerSecond, mix: [transport] }, async (stage) => {
          const { turns } = bench;
          const meet = (slotMs: number) =>
            turns === null ? null : stage.meanwhile(this.id, "wait for the other", turns.meet(slotMs));
          // What processes share, such as the program itself, is divided among as many at each look at their memory.
          await meet(0);
          await stage.connect(this.id);
          const idle = await stage.hold(this.id, holdMs);
          const shared = { scenario: this.id, photosPerUser: 1, warmUpMs, measureMs };
          const warmedUp =
            eventsPerSecond <= COLD_RATE || turns !== null
              ? null
              : await stage.load({
                  ...{ ...shared, eventsPerSecond: COLD_RATE, users: usersFor(COLD_RATE, connections) },
                  ...{ warmUpMs: 0, measureMs: warmUpMs, isEachShown: false },
                });
          const slotMs = Math.min(SLOT_MS, measureMs / MIN_ROUNDS);
          const turn = await meet(slotMs);
          const plan = {
            ...{ ...shared, eventsPerSecond, isEachShown: true },
            users: usersFor(eventsPerSecond * (turn === null ? 1 : slotMs / turn.everyMs), connections),
            ...(turn !== null && { turn, measureMs: Math.floor(measureMs / slotMs) * slotMs }),
          };
          const outcome = await stage.load(plan);
          await meet(0);
          const afterKib = stage.pssGrowthKib();
          // What ends while the other side is still at it would be in its figures.
          await meet(0);
          const rate = `${countText(eventsPerSecond)} events/s`;
          const measured = measuredOf(stage, plan, outcome, {
            variant: `${transport}, ${rate}`,
            title: `${countText(connections)} connections of one kind, idle, then ${rate}`,
          });
          const metrics = new Map(measured.metrics);
          if (warmedUp !== null) {
            for (const name of FINDINGS) {
              metrics.set(name, counter(outcome.judged.counts[name] + warmedUp.judged.counts[name]));
            }
            metrics.set("closes", counter(outcome.closes + warmedUp.closes));
          }
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
            notes: [...measured.notes, ...(warmedUp?.judged.examples ?? [])],
            metrics,
          };
        });
      }
    }
  },
};
