import { bearerOf } from "../auth/extract.ts";
import type { Identity, Verifier } from "../auth/verify.ts";
import type { Store } from "../engine/store.ts";
import { HubError } from "../errors.ts";
import { contractIdOf } from "./tusd.ts";
import type { TusdHook } from "./tusd-hook.ts";

export interface TusdOwnerRules {
  /** `jwt`: the subject of the uploader's token; `metadata`: `MetaData.userId`. */
  readonly owner: "jwt" | "metadata";
  readonly verify: Verifier;
  /** Whose upload an Upload.ID is: set once, when its creation was verified. */
  readonly owners: Pick<Store, "ownerOf" | "bindOwner">;
}

/**
 * The user an upload's events belong to, unchecked with `metadata` (the gate checks it). `forwardedToken`: the bearer
 * token of the hook request itself, when it isn't the hub's secret. Rejects with HubError `token_*`, with
 * `owner_mismatch` when a creation names an Upload.ID of somebody else, and with what the store rejects with.
 */
export async function ownerOf(
  hook: TusdHook,
  forwardedToken: string | null,
  rules: TusdOwnerRules,
): Promise<unknown> {
  if (rules.owner === "metadata") return hook.metaData.userId;
  const token = bearerOf(hook.uploaderAuthorization ?? undefined) ?? forwardedToken;
  // Upload ids may be of any length and shape.
  const uploadId = contractIdOf(hook.uploadId);
  const bound = await rules.owners.ownerOf("upload", uploadId);
  if (hook.name !== "post-create") {
    // Tokens end in mid-upload, but whose upload it is can't change.
    return bound ?? rules.verify.verify(token, { ignoreExpiration: true }).userId;
  }
  const { userId } = identityAtCreation(token, bound, rules.verify);
  if ((await rules.owners.bindOwner("upload", uploadId, userId)) !== userId) {
    throw new HubError("owner_mismatch", "The upload was created by another user.");
  }
  return userId;
}

function identityAtCreation(token: string | null, bound: string | null, verifier: Verifier): Identity {
  try {
    return verifier.verify(token);
  } catch (error) {
    // Delivered again after the token ended: the first delivery was verified in full.
    const again = bound !== null && error instanceof HubError && error.code === "token_expired";
    if (!again) throw error;
    return verifier.verify(token, { ignoreExpiration: true });
  }
}
