import { setTimeout as wait } from "node:timers/promises";
import { gauge, rate, trend } from "../metric.ts";
import { TRANSPORTS } from "../transports.ts";
import { allOf } from "./delivery.ts";
import type { Scenario } from "./scenario.ts";
import { countText, measuredOf } from "./steady-load.ts";

/** Users with many photos, some of whose devices read slowly: only so do the kernel's buffers fill. */
const USERS = 10;
const EVENTS_PER_USER = 100;
const SLOW_DEVICES = 10;
const KIB_PER_MIB = 1_024;
const HOLD_BEFORE_MS = 1_000;

export const slow: Scenario = {
  id: "slow",
  about: "stopped readers, and readers at 1 KiB/s, among many who read",
  async *run(bench) {
    const { connections, connectPerSecond, warmUpMs, measureMs } = bench.size;
    const wish = { connections, connectPerSecond, usersWithDevices: USERS };
    const measured = await bench.fresh(wish, async (stage) => {
      await stage.connect(this.id);
      const slowFleet = await stage.accompany("slow", {
        connections: USERS * SLOW_DEVICES,
        usersWithDevices: USERS,
        devices: SLOW_DEVICES,
        isSlow: true,
        mix: TRANSPORTS,
      });
      const plan = {
        ...{ scenario: this.id, users: USERS, photosPerUser: EVENTS_PER_USER, warmUpMs, measureMs },
        eventsPerSecond: USERS * EVENTS_PER_USER,
        isEachShown: true,
      };
      let growthKib: number | null = null;
      const outcome = await stage.load(plan, async () => {
        const beforeKib = stage.pssGrowthKib();
        slowFleet.read(true);
        await wait(measureMs - HOLD_BEFORE_MS, undefined, { signal: bench.signal });
        const afterKib = stage.pssGrowthKib();
        growthKib = beforeKib === null || afterKib === null ? null : afterKib - beforeKib;
        slowFleet.read(false);
      });
      const slowOnes = slowFleet.counts();
      const result = measuredOf(stage, plan, outcome, {
        variant: null,
        title: `${USERS * SLOW_DEVICES} slow readers beside ${countText(connections)}, for ${measureMs / 1_000} s`,
      });
      const metrics = new Map(result.metrics);
      metrics.set("others", trend(allOf(outcome.judged, "leading")));
      if (growthKib !== null) metrics.set("hub_memory", gauge(growthKib / KIB_PER_MIB, "MiB"));
      const all = USERS * SLOW_DEVICES;
      metrics.set("converged", rate(all - slowOnes.unfinished, all));
      return { ...result, metrics };
    });
    yield measured;
  },
};
