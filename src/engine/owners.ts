import type { DomainEvent } from "../domain/events.ts";
import type { Rejection } from "./contract.ts";
import type { Awaitable, Store } from "./store.ts";

/** A user id, or why there is none. */
type Owner = string | Pick<Rejection, "code" | "message">;

/**
 * Whose jobs the events belong to, in their order. The first trusted owner that they name for a job id is bound to it;
 * events may overtake the one that names it.
 */
export function ownersOf(
  events: readonly DomainEvent[],
  store: Pick<Store, "ownerOf" | "bindOwner">,
): Awaitable<readonly Owner[]> {
  const owners = new Map<string, string | null>();
  for (const { jobId, userId, scope } of events) {
    if (scope === "bound") owners.set(jobId, owners.get(jobId) ?? userId);
  }
  const waiting: Promise<unknown>[] = [];
  for (const [jobId, named] of owners) {
    const owner = named === null ? store.ownerOf("job", jobId) : store.bindOwner("job", jobId, named);
    if (owner instanceof Promise) waiting.push(owner.then((known) => owners.set(jobId, known)));
    else owners.set(jobId, owner);
  }
  const all = () => events.map((event) => ownerOf(event, owners.get(event.jobId) ?? null));
  return waiting.length === 0 ? all() : Promise.all(waiting).then(all);
}

function ownerOf({ jobId, userId, scope }: DomainEvent, owner: string | null): Owner {
  if (scope === "user") {
    return userId ?? { code: "owner_unknown", message: "an event of scope user names its userId" };
  }
  if (owner === null) return { code: "owner_unknown", message: `nobody has said whose job ${jobId} is` };
  if (userId !== null && userId !== owner) {
    return { code: "owner_mismatch", message: `job ${jobId} is another user's` };
  }
  return owner;
}
