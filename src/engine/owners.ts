import type { DomainEvent } from "../domain/events.ts";
import type { Rejection } from "./contract.ts";
import type { Store } from "./store.ts";

/**
 * Whose jobs the events belong to, in their order. The first trusted owner that they name for a job id is bound to it;
 * events may overtake the one that names it.
 */
export async function ownersOf(
  events: readonly DomainEvent[],
  store: Pick<Store, "ownerOf" | "bindOwner">,
): Promise<readonly (string | Pick<Rejection, "code" | "message">)[]> {
  const named = new Map<string, string | null>();
  for (const { jobId, userId, scope } of events) {
    if (scope === "bound") named.set(jobId, named.get(jobId) ?? userId);
  }
  const owners = new Map<string, string | null>();
  const bind = async ([jobId, userId]: [string, string | null]): Promise<void> => {
    const owner = userId === null ? store.ownerOf("job", jobId) : store.bindOwner("job", jobId, userId);
    owners.set(jobId, await owner);
  };
  await Promise.all([...named].map(bind));
  return events.map((event) => ownerOf(event, owners.get(event.jobId) ?? null));
}

function ownerOf(
  { jobId, userId, scope }: DomainEvent,
  owner: string | null,
): string | Pick<Rejection, "code" | "message"> {
  if (scope === "user") {
    return userId ?? { code: "owner_unknown", message: "an event of scope user names its userId" };
  }
  if (owner === null) return { code: "owner_unknown", message: `nobody has said whose job ${jobId} is` };
  if (userId !== null && userId !== owner) {
    return { code: "owner_mismatch", message: `job ${jobId} is another user's` };
  }
  return owner;
}
