import { increaseOf, increases } from "../../src/metrics/increases.ts";
import { countText } from "../count-text.ts";
import { scrapeHub } from "../hub-metrics/scrape.ts";
import { byTransport, userCount } from "../load/population.ts";
import { counter } from "../metric.ts";
import type { Stage } from "../stage.ts";
import type { Target } from "../target/target.ts";
import type { Bench, Measured, Scenario } from "./scenario.ts";
import { measuredOf, usersFor } from "./steady-load.ts";

/**
 * Events go to hub A. Their users are connected to hub B; A has as many users of its own, of whom nothing is heard, and
 * C has none. What A and C are told by Redis all the same has strayed.
 */
export const scaleOut: Scenario = {
  id: "scale-out",
  about: "events to one hub, their users on another, one Redis between them",
  async *run(bench) {
    yield await bench.hubs(3, async ([a, b, c]) => {
      if (a === undefined || b === undefined || c === undefined) throw new Error("three hubs are needed");
      const { connections, connectPerSecond } = bench.size;
      const wish = { connections, connectPerSecond };
      const audience = await bench.open(b, { ...wish, others: [a, c] });
      try {
        const bystanders = await bench.open(a, wish);
        try {
          return await measure(this.id, bench, { a, b, c }, audience, bystanders);
        } finally {
          await bystanders.close();
        }
      } finally {
        await audience.close();
      }
    });
  },
};

async function measure(
  scenario: string,
  bench: Bench,
  { a, b, c }: Readonly<Record<"a" | "b" | "c", Target>>,
  audience: Stage,
  bystanders: Stage,
): Promise<Measured> {
  const { rates, warmUpMs, measureMs, connections } = bench.size;
  const eventsPerSecond = rates[0] ?? 0;
  await bystanders.connect(scenario);
  await audience.connect(scenario);
  await audience.connectCanaries();
  const users = usersFor(eventsPerSecond, userCount(audience.options.population));
  const plan = {
    ...{ scenario, eventsPerSecond, users, photosPerUser: 1, warmUpMs, measureMs },
    isEachShown: true,
    internalUrl: a.internalUrl,
  };
  const before = await publicationsOf([a, b, c]);
  const outcome = await audience.load(plan);
  const after = await publicationsOf([a, b, c]);
  const [toA = 0, toB = 0, toC = 0] = after.map((count, index) => count - (before[index] ?? 0));
  const heard = bystanders.fleet.counts().messages;
  const rate = `${countText(eventsPerSecond)} events/s`;
  const measured = measuredOf(audience, plan, outcome, {
    variant: null,
    title: `${rate} to hub A for ${countText(users)} users of hub B; ${countText(connections)} others on A, nobody on C`,
  });
  const metrics = new Map(measured.metrics);
  metrics.set("strays", counter(toA + toC + heard));
  metrics.set("publications", counter(toB));
  return {
    ...measured,
    load: {
      connections: doubled(byTransport(audience.options.population)),
      eventsPerSecond,
    },
    metrics,
  };
}

/** Messages that came to each hub from Redis, since it started. */
function publicationsOf(hubs: readonly Target[]): Promise<readonly number[]> {
  return Promise.all(
    hubs.map(async ({ internalUrl }) =>
      increaseOf(increases(new Map(), await scrapeHub(internalUrl)), "redis_publications_total"),
    ),
  );
}

function doubled(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, 2 * count]));
}
