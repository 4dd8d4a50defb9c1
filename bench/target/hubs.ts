import { startRedisServer } from "./redis-server.ts";
import { newSecrets, spawnTarget } from "./spawned.ts";
import type { Target } from "./target.ts";

/** Hubs of our own that share one Redis, and their secrets. */
export interface Hubs {
  readonly targets: readonly Target[];
  /** Ends all that was started. */
  stop(): Promise<void>;
}

export interface HubsOptions {
  /** Null: what a hub does by default. */
  readonly workers: number | null;
  /** Null: a redis-server from PATH, started for them. */
  readonly redisUrl: string | null;
}

/** Null: there is no Redis to be had. */
export async function startHubs(count: number, { workers, redisUrl }: HubsOptions): Promise<Hubs | null> {
  const redis = redisUrl === null ? await startRedisServer() : null;
  const url = redisUrl ?? redis?.url;
  if (url === undefined) return null;
  const secrets = newSecrets();
  const started = await Promise.allSettled(
    Array.from({ length: count }, () =>
      spawnTarget({ kind: "hub", workers, flags: ["--redis", url], secrets }),
    ),
  );
  const targets = started.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const stop = async (): Promise<void> => {
    await Promise.all(targets.map((target) => target.stop()));
    await redis?.stop();
  };
  const failed = started.find((one) => one.status === "rejected");
  if (failed === undefined) return { targets, stop };
  await stop();
  throw failed.reason;
}
