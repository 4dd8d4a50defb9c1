import { expect } from "vitest";
import { type Watcher, watchers } from "../clients.ts";
import { type Cluster, tokenFor } from "./cluster.ts";

// What clients hold in the end, against what the hub tells whoever comes new.

const KINDS = ["socketio", "websocket", "sse"] as const;
const open: Watcher[] = [];

/** For `afterEach`. */
export function closeWatchers(): void {
  for (const watcher of open.splice(0)) watcher.close();
}

/** A connection of each kind that streams, whole when it is given. */
export async function watchAll({ publicUrl }: Cluster, userId: string): Promise<readonly Watcher[]> {
  const watching = KINDS.map((kind) => watchers[kind]({ publicUrl, token: tokenFor(userId) }));
  open.push(...watching);
  await Promise.all(watching.map((watcher) => watcher.until(({ syncs }) => syncs > 0, "synced", 10_000)));
  return watching;
}

/** What a poll gives whoever has nothing yet. */
export async function viewOf({ publicUrl }: Cluster, userId: string): Promise<ReturnType<Watcher["view"]>> {
  const watcher = watchers.polling({ publicUrl, token: tokenFor(userId) });
  open.push(watcher);
  await watcher.until(({ syncs }) => syncs > 0, "polled", 10_000);
  watcher.close();
  return watcher.view();
}

/** After the traffic: each of them comes to hold what the hub tells of the user, no more and no less. */
export async function expectConverged(
  hub: Cluster,
  userId: string,
  watching: readonly Watcher[],
): Promise<void> {
  const view = sorted(await viewOf(hub, userId));
  for (const watcher of watching) {
    await watcher
      .until((one) => JSON.stringify(sorted(one.view())) === JSON.stringify(view), "converged", 5_000)
      .catch(() => undefined);
    expect(sorted(watcher.view()), `${watcher.kind} of ${userId}`).toEqual(view);
    expect(watcher.ends, `${watcher.kind} of ${userId}`).toEqual([]);
  }
}

function sorted<T>(view: ReadonlyMap<string, T>): readonly (readonly [string, T])[] {
  return [...view].sort(([left], [right]) => (left < right ? -1 : 1));
}
