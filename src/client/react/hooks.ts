import { useCallback, useMemo, useSyncExternalStore } from "react";
import type { ConnectionState } from "../session.ts";
import type { Job, Photo } from "../store.ts";
import { useProgress } from "./provider.ts";
import { type Source, shownOf } from "./shown.ts";

// Each hook renders its component again when what it gives is another object, and not otherwise: the store keeps what has
// not changed, and tells who asked for that key alone. What several components show of one thing is the same at any time.

const NONE: readonly string[] = [];
const NOT_YET: ConnectionState = { phase: "connecting", transport: null, reason: null, retryAtMs: null };

/** The job as it is now; null: nothing was heard of it yet. */
export function useJob(jobId: string): Job | null {
  const { store } = useProgress();
  return useSource(
    useMemo(() => shownOf(store).job(jobId), [store, jobId]),
    null,
  );
}

/**
 * The photo as it is now; null: nothing was heard of it yet. `jobId` where ids of photos are unique within their job only;
 * without it, of the job that was heard of last.
 */
export function usePhoto(photoId: string, jobId?: string): Photo | null {
  const { store } = useProgress();
  const source = useMemo(() => {
    const shown = shownOf(store);
    return jobId === undefined ? shown.photoById(photoId) : shown.photo(jobId, photoId);
  }, [store, jobId, photoId]);
  return useSource(source, null);
}

/** Ids of the job's photos, in the order in which they were first heard of; the same array until that changes. */
export function usePhotoIds(jobId: string): readonly string[] {
  const { store } = useProgress();
  return useSource(
    useMemo(() => shownOf(store).photoIds(jobId), [store, jobId]),
    NONE,
  );
}

/** Ids of the user's jobs, in the order in which they were first heard of; the same array until that changes. */
export function useJobIds(): readonly string[] {
  const { store } = useProgress();
  return useSource(
    useMemo(() => shownOf(store).jobIds(), [store]),
    NONE,
  );
}

/** How the connection is. */
export function useConnection(): ConnectionState {
  const progress = useProgress();
  return useSyncExternalStore(
    useCallback((listener) => progress.onState(listener), [progress]),
    () => progress.state,
    () => NOT_YET,
  );
}

/** `atFirst`: on a server, and for a page that takes over from one until it has: both show the same, which is nothing. */
function useSource<Value>({ subscribe, get }: Source<Value>, atFirst: Value): Value {
  return useSyncExternalStore(subscribe, get, () => atFirst);
}
