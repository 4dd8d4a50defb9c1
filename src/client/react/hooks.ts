import { useCallback, useSyncExternalStore } from "react";
import type { ConnectionState } from "../session.ts";
import type { Job, Photo } from "../store.ts";
import { useProgress } from "./provider.ts";

// Each hook renders its component again when what it gives is another object, and not otherwise: the store keeps what has
// not changed, and tells who asked for that key alone.

/** The job as it is now; null: nothing was heard of it yet. */
export function useJob(jobId: string): Job | null {
  const { store } = useProgress();
  return useStore(
    useCallback((listener) => store.onJob(jobId, listener), [store, jobId]),
    () => store.job(jobId),
  );
}

/**
 * The photo as it is now; null: nothing was heard of it yet. `jobId` where ids of photos are unique within their job only;
 * without it, of the job that was heard of last.
 */
export function usePhoto(photoId: string, jobId?: string): Photo | null {
  const { store } = useProgress();
  return useStore(
    useCallback(
      (listener) =>
        jobId === undefined ? store.onPhotoById(photoId, listener) : store.onPhoto(jobId, photoId, listener),
      [store, jobId, photoId],
    ),
    () => (jobId === undefined ? store.photoById(photoId) : store.photo(jobId, photoId)),
  );
}

/** Ids of the job's photos, in the order in which they were first heard of; the same array until that changes. */
export function usePhotoIds(jobId: string): readonly string[] {
  const { store } = useProgress();
  return useStore(
    useCallback((listener) => store.onJob(jobId, listener), [store, jobId]),
    () => store.photoIds(jobId),
  );
}

/** Ids of the user's jobs, in the order in which they were first heard of; the same array until that changes. */
export function useJobIds(): readonly string[] {
  const { store } = useProgress();
  return useStore(
    useCallback((listener) => store.onJobs(listener), [store]),
    () => store.jobIds(),
  );
}

/** How the connection is. */
export function useConnection(): ConnectionState {
  const progress = useProgress();
  return useStore(
    useCallback((listener) => progress.onState(listener), [progress]),
    () => progress.state,
  );
}

/** On a server there is no connection yet: it shows what there is, which is nothing. */
function useStore<Value>(subscribe: (listener: () => void) => () => void, get: () => Value): Value {
  return useSyncExternalStore(subscribe, get, get);
}
