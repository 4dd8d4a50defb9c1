import type { Job, Photo, ProgressStore } from "../store.ts";

type Listen = (told: () => void) => () => void;

/** What a hook shows: how to hear of it, and what it is to whoever asks now. */
export interface Source<Value> {
  readonly subscribe: Listen;
  readonly get: () => Value;
}

interface Entry<Value> {
  value: Value;
  readonly listeners: Set<() => void>;
  readonly stop: () => void;
}

/** Values by key, each as the store told of it last, for as long as anybody shows it. */
class Told<Value> {
  readonly #entries = new Map<string, Entry<Value>>();
  readonly #store: ProgressStore;

  constructor(store: ProgressStore) {
    this.#store = store;
  }

  /** Absent: nobody shows it. */
  at(key: string): { readonly value: Value } | undefined {
    return this.#entries.get(key);
  }

  /** `now`: as it is, of which nobody may have been told yet; `other`: as something else shows it; absent: nothing does. */
  source(key: string, listen: Listen, now: () => Value, other: () => { readonly value: Value } | undefined) {
    const get = (): Value => {
      const shown = this.at(key) ?? other();
      return shown === undefined ? now() : shown.value;
    };
    const subscribe: Listen = (told) => {
      const entry = this.#entries.get(key) ?? this.#begin(key, listen, get, now);
      // Its own, since one function may be given twice.
      const listener = (): void => told();
      entry.listeners.add(listener);
      return () => {
        entry.listeners.delete(listener);
        if (entry.listeners.size > 0 || this.#entries.get(key) !== entry) return;
        this.#entries.delete(key);
        entry.stop();
      };
    };
    return { subscribe, get };
  }

  #begin(key: string, listen: Listen, get: () => Value, now: () => Value): Entry<Value> {
    // Others wait to be told of it, and this key would not be told with them.
    if (get() !== now()) this.#store.flush();
    const listeners = new Set<() => void>();
    const stop = listen(() => {
      entry.value = now();
      for (const listener of [...listeners]) listener();
    });
    const entry = { value: now(), listeners, stop };
    this.#entries.set(key, entry);
    return entry;
  }
}

/**
 * What the components of a page show of a store. The store changes with each message and tells a little later: a component
 * that comes in between, or is rendered for another reason, must not show more than those that wait to be told.
 */
export class Shown {
  readonly #store: ProgressStore;
  readonly #jobs: Told<Job | null>;
  readonly #photos: Told<Photo | null>;
  readonly #photosById: Told<Photo | null>;
  readonly #photoIds: Told<readonly string[]>;
  readonly #jobIds: Told<readonly string[]>;

  constructor(store: ProgressStore) {
    this.#store = store;
    this.#jobs = new Told(store);
    this.#photos = new Told(store);
    this.#photosById = new Told(store);
    this.#photoIds = new Told(store);
    this.#jobIds = new Told(store);
  }

  job(jobId: string): Source<Job | null> {
    const store = this.#store;
    return this.#jobs.source(
      jobId,
      (told) => store.onJob(jobId, told),
      () => store.job(jobId),
      nothing,
    );
  }

  photoIds(jobId: string): Source<readonly string[]> {
    const store = this.#store;
    return this.#photoIds.source(
      jobId,
      (told) => store.onJob(jobId, told),
      () => store.photoIds(jobId),
      nothing,
    );
  }

  jobIds(): Source<readonly string[]> {
    const store = this.#store;
    return this.#jobIds.source(
      "",
      (told) => store.onJobs(told),
      () => store.jobIds(),
      nothing,
    );
  }

  photo(jobId: string, photoId: string): Source<Photo | null> {
    const store = this.#store;
    return this.#photos.source(
      pairOf(jobId, photoId),
      (told) => store.onPhoto(jobId, photoId, told),
      () => store.photo(jobId, photoId),
      () => {
        const byId = this.#photosById.at(photoId);
        return byId === undefined || (byId.value !== null && byId.value.jobId !== jobId) ? undefined : byId;
      },
    );
  }

  photoById(photoId: string): Source<Photo | null> {
    const store = this.#store;
    return this.#photosById.source(
      photoId,
      (told) => store.onPhotoById(photoId, told),
      () => store.photoById(photoId),
      () => {
        const photo = store.photoById(photoId);
        return photo === null ? undefined : this.#photos.at(pairOf(photo.jobId, photoId));
      },
    );
  }
}

const shownOfStores = new WeakMap<ProgressStore, Shown>();

/** The same for all components that show this store. */
export function shownOf(store: ProgressStore): Shown {
  const known = shownOfStores.get(store);
  if (known !== undefined) return known;
  const made = new Shown(store);
  shownOfStores.set(store, made);
  return made;
}

/** Neither id has a blank. */
function pairOf(jobId: string, photoId: string): string {
  return `${jobId} ${photoId}`;
}

function nothing(): undefined {
  return undefined;
}
