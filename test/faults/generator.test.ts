import { expect, test } from "vitest";
import { Deliveries } from "../../simulator/delivery.ts";
import { jsonOf } from "../../simulator/event.ts";
import { builtInProfile, PROFILES } from "../../simulator/profiles.ts";
import { Workload } from "../../simulator/workload.ts";

/** At most: a neighbour that has the caches makes it half as fast for a while. */
const ROUNDS = 30;
const EVENTS = 60_000;
/** 200,000 events a second of one core. */
const MOST_US = 5;

test.each(PROFILES)("the simulator makes 200,000 events a second as JSON: %s", (name) => {
  const profile = builtInProfile(name);
  const events = new Deliveries(
    new Workload({ profile: { ...profile, jobs: { ...profile.jobs, perUser: null } }, seed: 1 }),
    profile.delivery,
    1,
  );
  let [best, bytes] = [Number.POSITIVE_INFINITY, 0];
  let rounds = 0;
  for (; rounds < ROUNDS && (rounds < 2 || best >= MOST_US); rounds += 1) {
    const before = process.cpuUsage();
    for (let made = 0; made < EVENTS; made += 1) {
      const next = events.next();
      if (next === null) throw new Error("it came to an end");
      bytes += jsonOf(next.event).length;
    }
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / EVENTS);
  }
  console.log(`${best.toFixed(2)} us an event of ${Math.round(bytes / rounds / EVENTS)} bytes`);
  expect(best).toBeLessThan(MOST_US);
});
