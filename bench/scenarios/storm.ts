import { setTimeout as wait } from "node:timers/promises";
import { countText } from "../count-text.ts";
import { userCount } from "../load/population.ts";
import { counter, gauge, rate, trend } from "../metric.ts";
import { reasonsSince, reasonsTold, sumOf } from "../running-load.ts";
import { allOf } from "./delivery.ts";
import type { Scenario } from "./scenario.ts";
import { measuredOf, usersFor } from "./steady-load.ts";

/** Clients of users who lose nothing, and notice the others. */
const WITNESSES = 100;
/** Into the measured time. */
const CUT_AFTER_MS = 2_000;

export const storm: Scenario = {
  id: "storm",
  about: "all connections are cut at once, and come back with their last id",
  async *run(bench) {
    const { stage } = await bench.held();
    const { rates, warmUpMs, measureMs, connectPerSecond } = bench.size;
    const { population } = stage.options;
    const eventsPerSecond = rates[0] ?? 0;
    const witnesses = await stage.accompany("witnesses", { connections: WITNESSES });
    const users = usersFor(eventsPerSecond, userCount(population));
    const plan = {
      ...{ scenario: this.id, eventsPerSecond, users, photosPerUser: 1, warmUpMs, measureMs },
      isEachShown: true,
    };
    let backTimes = null;
    let backMs = 0;
    const errorsBefore = stage.fleet.counts().errors;
    const outcome = await stage.load(plan, async () => {
      await wait(CUT_AFTER_MS, undefined, { signal: bench.signal });
      const cutMs = performance.now();
      backTimes = await stage.fleet.cut(connectPerSecond);
      backMs = performance.now() - cutMs;
    });
    const { established, errors } = stage.fleet.counts();
    const refusals = reasonsSince(errorsBefore, errors);
    const measured = measuredOf(stage, plan, outcome, {
      variant: null,
      title: `${countText(population.connections)} connections cut at once, back at ${countText(connectPerSecond)}/s`,
    });
    const metrics = new Map(measured.metrics);
    metrics.set("back", rate(Math.min(established, population.connections), population.connections));
    if (backTimes !== null) metrics.set("back_time", trend(backTimes));
    metrics.set("refusals", counter(sumOf(refusals)));
    metrics.set("all_back", gauge(backMs / 1_000, "s"));
    const seen = outcome.companions.get("witnesses");
    if (seen !== undefined) metrics.set("others", trend(allOf(seen, "leading")));
    await witnesses.close();
    yield { ...measured, metrics, notes: [...measured.notes, ...reasonsTold("Came back in vain", refusals)] };
  },
};
