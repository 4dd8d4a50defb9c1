import type { Logger } from "pino";
import type { Settings } from "../config/schema.ts";
import { systemClock } from "../engine/clock.ts";
import { damaged } from "../engine/resident/damaged.ts";
import type { Disk } from "../engine/resident/disk.ts";
import { ResidentStore } from "../engine/resident/store.ts";

interface StateOptions {
  /** Unix milliseconds at which the numbers of messages begin, where nothing is kept from before. */
  readonly startMs: number;
  readonly log: Logger;
  /** Told where state is about to be read from; null: nobody wants to know. */
  readonly loading: ((place: string) => void) | null;
}

const TELL_EVERY_MS = 1_000;

/** Reads back what has something to do; says how far it is, where that takes long. */
export async function restore(
  store: ResidentStore,
  { dataDir: folder }: Settings,
  log: Logger,
): Promise<void> {
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
    throw damaged(folder ?? "of this hub", error instanceof Error ? error.message : String(error));
  }
  const { jobs, openPhotos } = store.stats;
  if (jobs === 0) return;
  const tookMs = Math.round(performance.now() - startedAtMs);
  log.info({ jobs, openPhotos, tookMs }, "the state of before is back");
}

/** Rejects with a StartError that names the data folder, where it can't be used. */
export async function openStore(
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
      const cause = error instanceof Error ? error.message : String(error);
      log.error({ cause, folder }, "the data folder can't be written: events are refused until it can");
    },
  });
}
