import type { Logger } from "pino";
import type { Settings } from "../config/schema.ts";
import { type Clock, systemClock } from "../engine/clock.ts";
import { damaged } from "../engine/resident/damaged.ts";
import type { Disk } from "../engine/resident/disk.ts";
import { ResidentStore } from "../engine/resident/store.ts";
import type { Store } from "../engine/store.ts";
import { messageOf } from "../message-of.ts";

interface StateOptions {
  /** Unix milliseconds at which the numbers of messages begin, where nothing is kept from before. */
  readonly startMs: number;
  readonly log: Logger;
  /** Told where state is about to be read from; null: nobody wants to know. */
  readonly loading: ((place: string) => void) | null;
}

/** Where state is kept. */
export interface StateOfHub {
  readonly store: Store;
  /** What the engine goes by. */
  readonly clock: Clock;
  /** After the engine listens: reads back what has something to do. */
  restore(): Promise<void>;
  /** Publications that came from other processes; null: there are none. */
  publications(): number | null;
}

const TELL_EVERY_MS = 1_000;

/** Reads back what has something to do; says how far it is, where that takes long. */
async function restore(store: ResidentStore, { dataDir: folder }: Settings, log: Logger): Promise<void> {
  const startedAtMs = performance.now();
  let toldAtMs = startedAtMs;
  const tell = (photos: number): void => {
    if (performance.now() - toldAtMs < TELL_EVERY_MS) return;
    toldAtMs = performance.now();
    log.info({ openPhotos: photos }, "reading the state back");
  };
  try {
    await store.restore(tell);
  } catch (error) {
    throw damaged(folder ?? "of this hub", messageOf(error));
  }
  const { jobs, openPhotos } = store.stats;
  if (jobs === 0) return;
  const tookMs = Math.round(performance.now() - startedAtMs);
  log.info({ jobs, openPhotos, tookMs }, "the state of before is back");
}

/** Rejects with a StartError where the data folder, or this Redis, can't be used. */
export async function openState(settings: Settings, options: StateOptions): Promise<StateOfHub> {
  if (settings.redis !== null) {
    const { openRedisState } = await import("./redis-state.ts");
    return openRedisState(settings.redis, settings, options.log);
  }
  const store = await openResident(settings, options);
  return {
    store,
    clock: systemClock,
    restore: () => restore(store, settings, options.log),
    publications: () => null,
  };
}

async function openResident(
  settings: Settings,
  { startMs, log, loading }: StateOptions,
): Promise<ResidentStore> {
  const { durability, dataDir: folder } = settings;
  let disk: Disk | null = null;
  if (durability !== "none") {
    loading?.(`data folder ${folder}`);
    const { openDataFolder } = await import("../engine/resident/data-folder.ts");
    disk = await openDataFolder({ folder, durability, floorSeq: Math.floor(startMs) * 1000 });
  }
  return new ResidentStore({
    clock: systemClock,
    retentionMs: settings.jobRetention,
    maxJobsPerUser: settings.maxJobsPerUser,
    startMs,
    disk,
    onTrouble(error) {
      if (error === null) return log.info({ folder }, "the data folder can be written again");
      log.error(
        { cause: messageOf(error), folder },
        "the data folder can't be written: events are refused until it can",
      );
    },
  });
}
