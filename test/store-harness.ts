import type { Draft } from "../src/domain/draft.ts";
import type { DomainEvent } from "../src/domain/events.ts";
import type { Now } from "../src/engine/shower.ts";
import type { Change, Outcome, Store } from "../src/engine/store.ts";
import { type Turn, takeTurn } from "../src/engine/turn.ts";
import { RULES } from "./engine-harness.ts";

/** Merges the events into the draft and shows what is due, nothing of it held back. */
export function turnOf(draft: Draft, events: readonly DomainEvent[], now: Now): Turn {
  const placed = events.map((event, index) => ({ index, event }));
  const tellings = [{ placed, resolve: () => undefined, reject: () => undefined }];
  return takeTurn(
    draft,
    { tellings, ripe: [], isLook: false },
    { now, openPhotos: 0, lane: { holds: () => false } },
    { rules: RULES, maxPhotosPerJob: 10_000, maxOpenPhotos: 10_000, photoIntervalMs: 0, jobIntervalMs: 0 },
  );
}

export function committed(store: Store, change: Change): Promise<Outcome> {
  return new Promise((resolve, reject) => store.commit(change, { committed: resolve, failed: reject }));
}
