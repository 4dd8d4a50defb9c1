import type { ServerResponse } from "node:http";
import type { Identity } from "../auth/verify.ts";
import type { Sink, Subscription, SyncMode } from "../engine/contract.ts";
import { HubError } from "../errors.ts";
import type { GatewayParts } from "./parts.ts";
import type { Member } from "./registry.ts";
import { type Ending, endingOf } from "./transport.ts";
import type { Timed } from "./wheel.ts";

/**
 * A poll that waits: a subscription that only wakes it, a place in the registry, and a deadline on the wheel. All
 * three are given back however it ends.
 */
class LongPoll implements Sink, Member, Timed {
  dueMs = Number.POSITIVE_INFINITY;
  readonly kind = "polling";
  readonly memberId: number;
  readonly identity: Identity;
  readonly #response: ServerResponse;
  readonly #settle: (refusal: unknown) => void;

  constructor(
    memberId: number,
    identity: Identity,
    response: ServerResponse,
    settle: (refusal: unknown) => void,
  ) {
    this.memberId = memberId;
    this.identity = identity;
    this.#response = response;
    this.#settle = settle;
  }

  get isClosed(): boolean {
    return this.#response.destroyed || this.#response.writableFinished;
  }

  send(): boolean {
    this.#settle(null);
    return true;
  }

  /** Everything up to the id it came with is nothing new; but a snapshot says that its client has to forget. */
  synced(mode: SyncMode): void {
    if (mode === "snapshot") this.#settle(null);
  }

  jobEnded(): void {
    this.#settle(null);
  }

  failed(error: unknown): void {
    this.#settle(error);
  }

  onDue(): number {
    this.#settle(null);
    return Number.POSITIVE_INFINITY;
  }

  tell(): void {}

  end(ending: Ending): void {
    this.#settle(refusalOf(ending));
  }

  terminate(): void {
    this.#response.destroy();
  }
}

/** null: answered with what there is, as at any end of a wait. */
function refusalOf({ reason }: Ending): HubError | null {
  if (reason === "replaced") return new HubError("rate_limited", "Too many connections.", 5);
  return reason === "disconnected" || reason === "token_revoked" ? new HubError(reason) : null;
}

/**
 * Resolves when the user (or the job, unless null) has something newer than `headId` or was forgotten, after `waitMs`,
 * when the token expires, when the client goes away, or when the gateway drains. Throws HubError `rate_limited` when newer connections
 * of the user took its place, `disconnected` or `token_revoked` when the core ended it, and what the engine fails with.
 */
export async function waitForNews(
  parts: GatewayParts,
  identity: Identity,
  response: ServerResponse,
  at: { readonly jobId: string | null; readonly headId: string; readonly waitMs: number },
): Promise<void> {
  const { engine, registry, wheel, admission } = parts;
  let subscription: Subscription | null = null;
  let poll: LongPoll | null = null;
  let onClose = () => {};
  try {
    await new Promise<void>((resolve, reject) => {
      onClose = resolve;
      response.once("close", onClose);
      poll = new LongPoll(registry.nextId(), identity, response, (refusal) =>
        refusal === null ? resolve() : reject(refusal),
      );
      const tokenLeftMs = identity.expiresAtSeconds * 1_000 - Date.now();
      wheel.schedule(poll, wheel.now() + Math.min(at.waitMs, tokenLeftMs));
      registry.add(poll);
      if (admission.isRevoked(identity)) poll.end(endingOf("token_revoked"));
      subscription = engine.open(identity.userId, { jobId: at.jobId, lastEventId: at.headId }, poll);
    });
  } finally {
    response.off("close", onClose);
    release(parts, poll, subscription);
  }
}

function release(parts: GatewayParts, poll: LongPoll | null, subscription: Subscription | null): void {
  subscription?.close();
  if (poll === null) return;
  parts.wheel.cancel(poll);
  parts.registry.remove(poll);
}
