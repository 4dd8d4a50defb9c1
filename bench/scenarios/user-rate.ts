import { countText } from "../count-text.ts";
import type { Scenario } from "./scenario.ts";
import { measuredOf } from "./steady-load.ts";

/** Users, and how many events a second each has; every photo moves once a second, so that each event is shown. */
const CROWDS = [
  { users: 10, eventsPerUser: 100 },
  { users: 1, eventsPerUser: 1_000 },
] as const;

export const userRate: Scenario = {
  id: "user-rate",
  about: "users with many photos at once, on three devices each",
  async *run(bench) {
    const { stage } = await bench.held();
    const { warmUpMs, measureMs } = bench.size;
    for (const { users, eventsPerUser } of CROWDS) {
      const plan = {
        ...{ scenario: this.id, users, warmUpMs, measureMs, isEachShown: true },
        eventsPerSecond: users * eventsPerUser,
        photosPerUser: eventsPerUser,
      };
      const outcome = await stage.load(plan);
      const who = `${users} ${users === 1 ? "user" : "users"} × ${countText(eventsPerUser)} events/s`;
      yield measuredOf(stage, plan, outcome, {
        variant: who,
        title: `${who}, ${stage.options.population.devices} devices each, for ${measureMs / 1_000} s`,
      });
    }
  },
};
