import { Agent, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { HubError } from "../errors.ts";
import { refuse, refuseUpgrade } from "./answers.ts";
import type { Leaving } from "./drain.ts";
import type { GatewayParts } from "./parts.ts";
import { isGone, noAnswer } from "./pass-on-failure.ts";
import { passRequestOn } from "./pass-on-request.ts";
import type { PassedOnCounts } from "./passed-on-counts.ts";
import { PassedUpgrade } from "./passed-upgrade.ts";
import { tagOf } from "./peers.ts";
import { sessionIdIn, type Target } from "./requests.ts";

/** Beyond what a healthy gateway and its client may take. */
const MARGIN_MS = 5_000;
/** A connection between two gateways that nobody uses; the other side never closes one first. */
const IDLE_CONNECTION_MS = 4_000;
const MAX_IDLE_CONNECTIONS = 64;

/**
 * Passes on what came for a session of another gateway: no sticky sessions are needed on one machine. What both sides
 * of a passage buffer is bounded by their streams, and in all by `shed`.
 */
export class PassOn {
  readonly #parts: GatewayParts;
  readonly #counts: PassedOnCounts;
  readonly #upgrades = new Set<PassedUpgrade>();
  readonly #agent = new Agent({
    keepAlive: true,
    timeout: IDLE_CONNECTION_MS,
    maxFreeSockets: MAX_IDLE_CONNECTIONS,
  });

  constructor(parts: GatewayParts, counts: PassedOnCounts) {
    this.#parts = parts;
    this.#counts = counts;
  }

  /** The tag of another gateway whose session the request names; null: it is for this one to answer. */
  ownerOf({ query }: Target): string | null {
    const { peers } = this.#parts;
    const sessionId = peers === null ? null : sessionIdIn(query);
    const tag = sessionId === null ? null : tagOf(sessionId);
    return tag === peers?.ownTag ? null : tag;
  }

  /** `unknown`: answers when there is no such gateway any more. Throws HubError `overloaded`. */
  request(owner: string, request: IncomingMessage, response: ServerResponse, unknown: () => void): void {
    const { admission, settings } = this.#parts;
    admission.assertRoom();
    const pollMs = settings.heartbeatInterval + settings.heartbeatTimeout;
    passRequestOn(request, response, {
      agent: this.#agent,
      socketPath: this.#socketPathOf(owner),
      idleTimeoutMs: MARGIN_MS + (request.method === "GET" ? pollMs : settings.connectTimeout),
      // Its next request then goes to a gateway that stays.
      mayKeepAlive: () => !admission.isDraining,
      failed: (error) => this.#failed(error, unknown, (refusal) => refuse(response, refusal)),
    });
    this.#counts.requests += 1;
    this.#counts.requestsTotal += 1;
    response.once("close", () => {
      this.#counts.requests -= 1;
    });
  }

  /** The same for an upgrade. Throws HubError `draining` or `overloaded`. */
  upgrade(owner: string, request: IncomingMessage, socket: Duplex, head: Buffer, unknown: () => void): void {
    const { admission, settings, wheel } = this.#parts;
    admission.assertOpen();
    const upgrade: PassedUpgrade = new PassedUpgrade(request, socket, head, {
      wheel,
      socketPath: this.#socketPathOf(owner),
      answerTimeoutMs: settings.connectTimeout,
      slowTimeoutMs: settings.slowTimeout,
      failed: (error) => this.#failed(error, unknown, (refusal) => refuseUpgrade(socket, refusal)),
      closed: () => {
        this.#upgrades.delete(upgrade);
        this.#counts.upgrades -= 1;
      },
    });
    this.#upgrades.add(upgrade);
    this.#counts.upgrades += 1;
    this.#counts.upgradesTotal += 1;
  }

  /** Bytes of passed-on upgrades that clients have not taken. */
  bufferedBytes(): number {
    let bytes = 0;
    for (const upgrade of this.#upgrades) bytes += upgrade.bufferedBytes;
    return bytes;
  }

  /** Once a tick: above `maxBytes` in all, the fullest are dropped. */
  shed(maxBytes: number): void {
    let bytes = this.bufferedBytes();
    if (bytes <= maxBytes) return;
    for (const upgrade of [...this.#upgrades].sort((a, b) => b.bufferedBytes - a.bufferedBytes)) {
      if (bytes <= maxBytes) return;
      bytes -= upgrade.bufferedBytes;
      upgrade.terminate();
    }
  }

  /** The passed-on upgrades, as they are now. */
  leaving(): Leaving[] {
    return [...this.#upgrades];
  }

  close(): void {
    for (const upgrade of this.#upgrades) upgrade.terminate();
    this.#agent.destroy();
  }

  #socketPathOf(owner: string): string {
    const { peers } = this.#parts;
    if (peers === null) throw new TypeError("a gateway that is alone passes nothing on");
    return peers.socketPathOf(owner);
  }

  #failed(error: Error | null, unknown: () => void, refused: (refusal: HubError) => void): void {
    if (error === null || isGone(error)) {
      this.#counts.goneTotal += 1;
      unknown();
      return;
    }
    this.#counts.failedTotal += 1;
    this.#parts.log.warn({ err: error }, "could not pass on to the gateway of a Socket.IO session");
    refused(error instanceof HubError ? error : noAnswer());
  }
}
