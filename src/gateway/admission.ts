import type { IncomingMessage } from "node:http";
import type { Identity, Verifier } from "../auth/verify.ts";
import { HubError } from "../errors.ts";
import type { PassedOnCounts } from "./passed-on-counts.ts";
import type { Registry } from "./registry.ts";
import { spread } from "./transport.ts";

/** Who may come in: asked by every transport before it costs anything. */
export class Admission {
  readonly #verifier: Verifier;
  readonly #registry: Registry;
  readonly #corsOrigins: ReadonlySet<string>;
  readonly #passedOn: Pick<PassedOnCounts, "descriptors">;
  #draining = false;

  constructor(
    verifier: Verifier,
    registry: Registry,
    corsOrigins: readonly string[],
    passedOn: Pick<PassedOnCounts, "descriptors">,
  ) {
    this.#verifier = verifier;
    this.#passedOn = passedOn;
    this.#registry = registry;
    this.#corsOrigins = new Set(corsOrigins);
  }

  get isDraining(): boolean {
    return this.#draining;
  }

  /** From now on everybody new is told to come back. */
  drain(): void {
    this.#draining = true;
  }

  /** Throws HubError `draining` or `overloaded`, with a time to come back; `underway`: see Registry. */
  assertOpen(underway = 0): void {
    if (this.#draining) throw new HubError("draining", "The hub is restarting.", afterSeconds());
    this.assertRoom(underway);
  }

  /** Also while draining. Throws HubError `overloaded`; what is passed on to other gateways takes room too. */
  assertRoom(underway = 0): void {
    try {
      this.#registry.assertRoom(underway + this.#passedOn.descriptors);
    } catch (error) {
      throw error instanceof HubError ? new HubError(error.code, error.message, afterSeconds()) : error;
    }
  }

  /** Throws HubError `token_missing`, `token_invalid`, `token_expired` or `token_revoked`. */
  async authenticate(token: string | null): Promise<Identity> {
    return this.#verifier.verify(token);
  }

  isRevoked(identity: Identity): boolean {
    return this.#verifier.revocations.isRevoked(identity);
  }

  /** The origin to be named in CORS headers; null: none needed. Throws HubError `origin_not_allowed`. */
  originOf(request: IncomingMessage): string | null {
    const { origin, host } = request.headers;
    // Only browsers send it, and those can't leave it out on another origin.
    if (origin === undefined || isSameOrigin(origin, host)) return null;
    if (this.#corsOrigins.has(origin) || this.#corsOrigins.has("*")) return origin;
    throw new HubError("origin_not_allowed", "This origin is not in --cors-origins.");
  }
}

function afterSeconds(): number {
  return Math.round(spread(1_000, 10_000) / 1_000);
}

/** Hosts are compared alone: which scheme a proxy in front speaks can't be known here. */
function isSameOrigin(origin: string, host: string | undefined): boolean {
  return host !== undefined && URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}
