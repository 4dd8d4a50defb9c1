import { setTimeout as wait } from "node:timers/promises";
import { countText } from "../count-text.ts";
import { counter, gauge, rate, trend } from "../metric.ts";
import { TRANSPORTS } from "../transports.ts";
import { allOf } from "./delivery.ts";
import type { Scenario } from "./scenario.ts";
import { slowCrowd } from "./slow-crowd.ts";
import { measuredOf } from "./steady-load.ts";

const KIB_PER_MIB = 1_024;

export const slow: Scenario = {
  id: "slow",
  about: "stopped readers, and readers at 1 KiB/s, among many who read",
  async *run(bench) {
    const { connections, connectPerSecond, warmUpMs, measureMs } = bench.size;
    const { users, devices, eventsPerUser } = slowCrowd(measureMs);
    const readers = users * devices;
    const wish = { connections, connectPerSecond, usersWithDevices: users };
    const measured = await bench.fresh(wish, async (stage) => {
      await stage.connect(this.id);
      const slowFleet = await stage.accompany("slow", {
        ...{ connections: readers, usersWithDevices: users, devices },
        isSlow: true,
        mix: TRANSPORTS,
      });
      const plan = {
        ...{ scenario: this.id, users, photosPerUser: eventsPerUser, warmUpMs, measureMs },
        eventsPerSecond: users * eventsPerUser,
        isEachShown: true,
        hasLongIds: true,
      };
      let growthKib: number | null = null;
      const outcome = await stage.load(plan, async () => {
        const beforeKib = stage.pssGrowthKib();
        slowFleet.read(true);
        await wait(measureMs, undefined, { signal: bench.signal });
        const afterKib = stage.pssGrowthKib();
        growthKib = beforeKib === null || afterKib === null ? null : afterKib - beforeKib;
        // What they catch up with is theirs: it comes after what is measured of the others.
        slowFleet.read(false);
      });
      const { unfinished } = slowFleet.counts();
      const result = measuredOf(stage, plan, outcome, {
        variant: null,
        title: `${readers} slow readers beside ${countText(connections)} others, for ${measureMs / 1_000} s`,
      });
      const metrics = new Map(result.metrics);
      metrics.set("others", trend(allOf(outcome.judged, "leading")));
      if (growthKib !== null) metrics.set("hub_memory", gauge(growthKib / KIB_PER_MIB, "MiB"));
      metrics.set("converged", rate(readers - unfinished, readers));
      if (outcome.hub !== null) {
        const { slowHolds, slowCloses, messagesConflated, linkMessagesMissed } = outcome.hub;
        metrics.set("holds", counter(slowHolds));
        metrics.set("slow_closes", counter(slowCloses));
        metrics.set("conflated", counter(messagesConflated));
        metrics.set("link_missed", counter(linkMessagesMissed));
      }
      return { ...result, metrics };
    });
    yield measured;
  },
};
