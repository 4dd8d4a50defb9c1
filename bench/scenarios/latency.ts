import { countText } from "../count-text.ts";
import { userCount } from "../load/population.ts";
import type { Scenario } from "./scenario.ts";
import { measuredOf, usersFor } from "./steady-load.ts";

export const latency: Scenario = {
  id: "latency",
  about: "events to users all over, while everybody is connected",
  async *run(bench) {
    const { stage } = await bench.held();
    const { rates, warmUpMs, measureMs } = bench.size;
    for (const eventsPerSecond of rates) {
      const users = usersFor(eventsPerSecond, userCount(stage.options.population));
      const plan = {
        ...{ scenario: this.id, eventsPerSecond, users, photosPerUser: 1, warmUpMs, measureMs },
        isEachShown: true,
      };
      const outcome = await stage.load(plan);
      const rate = `${countText(eventsPerSecond)} events/s`;
      yield measuredOf(stage, plan, outcome, {
        variant: rate,
        title: `${rate} to ${countText(users)} users for ${measureMs / 1_000} s`,
      });
    }
  },
};
