import { setTimeout as wait } from "node:timers/promises";
import type { TestContext } from "vitest";
import type { ClientKind } from "../../simulator/oracle/client-record.ts";
import { Oracle } from "../../simulator/oracle/oracle.ts";
import { until } from "../../simulator/oracle/until.ts";
import { type Cluster, killAll, logsOfAll, startCluster } from "./cluster.ts";
import { closePopulations, type Population, populate } from "./population.ts";
import { abandonProducers, type Producer, startProducer } from "./producer.ts";
import { randomOf } from "./seed.ts";

export interface SceneOptions {
  readonly flags: readonly string[];
  readonly users: number;
  readonly devicesPerUser: number;
  readonly kinds: readonly ClientKind[];
  /** Events a second. */
  readonly rate: number;
}

export interface Scene {
  readonly hub: Cluster;
  readonly oracle: Oracle;
  readonly population: Population;
  readonly producer: Producer;
}

/** What happens to a hub happens at another moment with each seed. */
export const MAX_MOMENT_MS = 1_000;

/** A hub under load: everybody is connected, events come steadily, and every client was shown something. */
export async function startScene(options: SceneOptions): Promise<Scene> {
  const hub = await startCluster(...options.flags);
  const oracle = new Oracle({ stateSurvivesCore: true });
  const { users, rate } = options;
  const population = await populate({ ...options, publicUrl: hub.publicUrl, oracle });
  const producer = startProducer({ internalUrl: hub.internalUrl, oracle, rate, users });
  await population.untilAllGotOneAfter(performance.now(), 20_000);
  await until(() => oracle.endingsOwed > users, "endings are on their way", 20_000);
  await wait(randomOf("scene").integer(0, MAX_MOMENT_MS));
  return { hub, oracle, population, producer };
}

/** For `afterEach`: nobody and nothing is left of a test, however it ended; of one that failed, what the hubs said. */
export function endScenes(context?: TestContext): void {
  if (context?.task.result?.state === "fail") console.error(logsOfAll());
  abandonProducers();
  closePopulations();
  killAll();
}
