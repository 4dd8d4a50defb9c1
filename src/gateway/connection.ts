import type { Identity } from "../auth/verify.ts";
import type { Engine, OutMessage, Sink, Subscription, SyncMode } from "../engine/contract.ts";
import { HubError } from "../errors.ts";
import type { Admission } from "./admission.ts";
import type { ConnectionLog, Farewell } from "./connection-log.ts";
import type { Pressure } from "./pressure.ts";
import type { Member, Registry } from "./registry.ts";
import type { Traffic } from "./traffic.ts";
import {
  type Control,
  type Ending,
  endingOf,
  spread,
  type Transport,
  type TransportEvents,
} from "./transport.ts";
import type { Timed, Wheel } from "./wheel.ts";

const NEVER = Number.POSITIVE_INFINITY;
/** Time for a client to read why it is closed; then its socket goes. */
const CLOSE_GRACE_MS = 5_000;
/** At the smaller of this and a fifth of its life, a token's end is announced. */
const EXPIRY_NOTICE_MS = 60_000;
const LEFT: Farewell = { reason: "client", closeCode: null };
/** Refreshes between two times the client has read something; more of them is no refreshing. */
const MAX_UNREAD_REFRESHES = 100;

export interface ConnectionParts {
  readonly engine: Engine;
  readonly registry: Registry;
  readonly wheel: Wheel;
  readonly pressure: Pressure;
  readonly admission: Admission;
  readonly traffic: Traffic;
  readonly connectionLog: ConnectionLog;
}

/** Times in milliseconds, sizes in bytes. */
export interface ConnectionLimits {
  readonly slowBufferBytes: number;
  readonly slowTimeoutMs: number;
  /** Between heartbeats; null: the transport has its own. */
  readonly heartbeatMs: number | null;
  /** A heartbeat not answered for so long ends the connection; null: this transport can't answer. */
  readonly pongTimeoutMs: number | null;
  /** Age at which it ends to come back; null: never. */
  readonly maxAgeMs: number | null;
}

export type RefreshAnswer =
  | { readonly ok: true; readonly expiresIn: number }
  | { readonly ok: false; readonly code: string };

/**
 * One client, whatever its transport: takes its messages from the engine, holds it when it reads too slowly, looks
 * after its heartbeats, its token and its end. States: open -> ending (closed by us, the socket still there) -> closed.
 */
export class Connection implements Sink, Timed, Member, TransportEvents {
  dueMs = NEVER;
  readonly userId: string;
  /** Of its gateway alone, and never given twice by it. */
  readonly memberId: number;
  readonly #transport: Transport;
  readonly #parts: ConnectionParts;
  readonly #limits: ConnectionLimits;
  #identity: Identity;
  #state: "open" | "ending" | "closed" = "open";
  #subscription: Subscription | null = null;
  #accountedBytes = 0;
  #slowDueMs = NEVER;
  #heartbeatDueMs = NEVER;
  #pongDueMs = NEVER;
  /** When it was first seen missing: it may wait in the kernel if we were slow ourselves, and gets one more turn. */
  #pongMissedAtMs = NEVER;
  #maxAgeDueMs = NEVER;
  #terminateDueMs = NEVER;
  #expiryNoticeMs: number;
  #expiryAnnounced = false;
  #unreadRefreshes = 0;
  /** null: it has not started. */
  #startedAtMs: number | null = null;
  #farewell = LEFT;

  constructor(transport: Transport, identity: Identity, parts: ConnectionParts, limits: ConnectionLimits) {
    this.userId = identity.userId;
    this.memberId = parts.registry.nextId();
    this.#transport = transport;
    this.#identity = identity;
    this.#parts = parts;
    this.#limits = limits;
    this.#expiryNoticeMs = expiryNoticeMs(identity);
    transport.carry(this);
  }

  get identity(): Identity {
    return this.#identity;
  }

  get kind() {
    return this.#transport.kind;
  }

  get bufferedBytes(): number {
    return this.#accountedBytes;
  }

  get isClosed(): boolean {
    return this.#state === "closed";
  }

  get isHeld(): boolean {
    return this.#slowDueMs !== NEVER;
  }

  /**
   * Counts it, watches its times and begins with what it missed. `lastEventId` null: a snapshot. `address`: of its client,
   * told to the log and not kept; null: not known.
   */
  start(jobId: string | null, lastEventId: string | null, address: string | null): void {
    const { registry, wheel, engine, admission, connectionLog } = this.#parts;
    const nowMs = wheel.now();
    const { heartbeatMs, maxAgeMs } = this.#limits;
    if (heartbeatMs !== null) this.#heartbeatDueMs = nowMs + heartbeatMs;
    if (maxAgeMs !== null) this.#maxAgeDueMs = nowMs + spread(0.8 * maxAgeMs, maxAgeMs);
    this.#startedAtMs = nowMs;
    connectionLog.opened(this, jobId, address);
    registry.add(this);
    // Revoked between its admission and here, where those that were let in are looked through.
    if (admission.isRevoked(this.#identity)) this.end(endingOf("token_revoked"));
    // The core may find that this one is the oldest of too many, and have ended it already.
    if (this.#state !== "open") return;
    this.#reschedule();
    this.#subscription = engine.open(this.userId, { jobId, lastEventId }, this);
  }

  send(messages: readonly OutMessage[]): boolean {
    if (this.#state !== "open") return true;
    this.#transport.write(messages);
    this.#parts.traffic.wrote(this.kind, messages);
    this.#wrote();
    if (!this.isHeld && this.#accountedBytes > this.#limits.slowBufferBytes) this.#hold();
    return !this.isHeld;
  }

  synced(mode: SyncMode, headId: string, isJobKnown: boolean): void {
    if (this.#state !== "open") return;
    this.#parts.traffic.synced[mode] += 1;
    this.#control({ type: "synced", mode, id: headId }, isJobKnown ? headId : null);
  }

  jobEnded(): void {
    if (this.kind === "sse")
      this.end({ closeCode: null, reason: "job_ended", comesBack: true, afterMs: null });
  }

  failed(error: unknown): void {
    this.end(endingOf(error instanceof HubError ? error.code : "internal_error", spread(1_000, 5_000)));
  }

  drained(): void {
    if (this.#state === "closed") return;
    this.#unreadRefreshes = 0;
    this.#account();
    if (!this.isHeld || this.#accountedBytes > this.#limits.slowBufferBytes / 2) return;
    this.#release();
    if (this.#state === "open") this.#subscription?.resume();
  }

  /** The transport is gone; nothing of the connection stays. */
  closed(): void {
    if (this.#state === "closed") return;
    this.#leave();
    this.#state = "closed";
    this.#parts.wheel.cancel(this);
    this.#parts.pressure.forget(this);
    this.#parts.pressure.add(-this.#accountedBytes);
    this.#accountedBytes = 0;
    if (this.#startedAtMs === null) return;
    const { connectionLog, wheel } = this.#parts;
    connectionLog.closed(this, this.#farewell, wheel.now() - this.#startedAtMs);
  }

  /** Closes it as the ending says; its socket is dropped if the client does not let go of it. */
  end(ending: Ending): void {
    if (this.#state !== "open") return;
    this.#farewell = ending;
    const nowMs = this.#parts.wheel.now();
    // A reader that is only slow may take what a normal end left for it, within the time its hold has left.
    this.#terminateDueMs =
      ending.closeCode === null
        ? Math.min(this.#slowDueMs, nowMs + this.#limits.slowTimeoutMs)
        : nowMs + CLOSE_GRACE_MS;
    this.#leave();
    this.#state = "ending";
    this.#parts.pressure.ending(this);
    this.#reschedule();
    this.#transport.end(ending);
  }

  /** Drops it with all it buffers, because the gateway buffers too much in all. */
  dropSlow(): void {
    if (this.#state === "open") this.#countSlow();
    this.#drop({ reason: "too_slow", closeCode: null });
  }

  terminate(): void {
    this.#drop({ reason: "close", closeCode: null });
  }

  /** Tells it something, unless it is held: nothing is queued behind what it does not read. */
  tell(message: Control): void {
    if (this.#state === "open" && !this.isHeld) this.#control(message);
  }

  pong(): void {
    this.#pongDueMs = NEVER;
    this.#pongMissedAtMs = NEVER;
  }

  /** Another token of the same user takes the place of the one it came with; if it can't, that one stays valid. */
  async refresh(token: unknown): Promise<RefreshAnswer> {
    this.#unreadRefreshes += 1;
    if (this.#unreadRefreshes > MAX_UNREAD_REFRESHES) this.end(endingOf("bad_frame"));
    try {
      const identity = await this.#parts.admission.authenticate(typeof token === "string" ? token : null);
      if (identity.userId !== this.userId) return { ok: false, code: "token_invalid" };
      this.#identity = identity;
      this.#expiryNoticeMs = expiryNoticeMs(identity);
      this.#expiryAnnounced = false;
      if (this.#state === "open") this.#reschedule();
      return { ok: true, expiresIn: Math.max(0, Math.ceil(this.#tokenLeftMs() / 1_000)) };
    } catch (error) {
      return { ok: false, code: error instanceof HubError ? error.code : "internal_error" };
    }
  }

  onDue(nowMs: number): number {
    if (this.#state === "ending") {
      if (nowMs >= this.#terminateDueMs) this.terminate();
      return this.#nextDueMs(nowMs);
    }
    this.#watchToken();
    if (nowMs >= this.#slowDueMs) this.#closeSlow();
    if (nowMs >= this.#maxAgeDueMs) this.#endOld();
    if (nowMs >= this.#pongDueMs && !this.isHeld) this.#missPong(nowMs);
    if (nowMs >= this.#heartbeatDueMs) this.#heartbeat(nowMs);
    return this.#nextDueMs(nowMs);
  }

  #watchToken(): void {
    const leftMs = this.#tokenLeftMs();
    if (leftMs <= 0) {
      this.end(endingOf("token_expired"));
      return;
    }
    if (leftMs > this.#expiryNoticeMs || this.#expiryAnnounced || this.isHeld) return;
    this.#expiryAnnounced = true;
    this.tell({ type: "token_expiring", expiresIn: Math.ceil(leftMs / 1_000) });
  }

  /** `farewell`: unless it was ending already. */
  #drop(farewell: Farewell): void {
    if (this.#state === "closed") return;
    if (this.#state === "open") this.#farewell = farewell;
    this.#transport.terminate();
    this.closed();
  }

  #countSlow(): void {
    this.#parts.pressure.countClose();
    this.#parts.connectionLog.tooSlow(this);
  }

  #closeSlow(): void {
    if (this.#state !== "open") return;
    this.#countSlow();
    this.end(endingOf("too_slow", spread(1_000, 5_000)));
  }

  #endOld(): void {
    this.end({ closeCode: null, reason: "max_age", comesBack: true, afterMs: spread(500, 3_000) });
  }

  #missPong(nowMs: number): void {
    if (nowMs > this.#pongMissedAtMs) this.#drop({ reason: "pong_missing", closeCode: null });
    else this.#pongMissedAtMs = nowMs;
  }

  #heartbeat(nowMs: number): void {
    this.#heartbeatDueMs = nowMs + (this.#limits.heartbeatMs ?? NEVER);
    if (this.#state !== "open" || this.isHeld) return;
    this.#control({ type: "heartbeat" });
    const { pongTimeoutMs } = this.#limits;
    if (pongTimeoutMs !== null && this.#pongDueMs === NEVER) this.#pongDueMs = nowMs + pongTimeoutMs;
  }

  #hold(): void {
    this.#slowDueMs = this.#parts.wheel.now() + this.#limits.slowTimeoutMs;
    this.#parts.pressure.hold(this);
    this.#reschedule();
  }

  #release(): void {
    this.#slowDueMs = NEVER;
    // A ping from before the hold lay behind everything that was not read.
    this.pong();
    this.#parts.pressure.release(this);
  }

  #leave(): void {
    this.#subscription?.close();
    this.#subscription = null;
    this.#parts.registry.remove(this);
    this.#release();
  }

  #control(message: Control, eventId: string | null = null): void {
    this.#transport.control(message, eventId);
    this.#wrote();
  }

  #wrote(): void {
    this.#account();
    // It would not take all from one that has not read for long.
    if (this.#accountedBytes === 0) this.#unreadRefreshes = 0;
  }

  #account(): void {
    const bytes = this.#transport.bufferedBytes();
    this.#parts.pressure.add(bytes - this.#accountedBytes);
    this.#accountedBytes = bytes;
  }

  #tokenLeftMs(): number {
    return this.#identity.expiresAtSeconds * 1_000 - Date.now();
  }

  #reschedule(): void {
    const { wheel } = this.#parts;
    wheel.schedule(this, this.#nextDueMs(wheel.now()));
  }

  #nextDueMs(nowMs: number): number {
    if (this.#state === "closed") return NEVER;
    if (this.#state === "ending") return this.#terminateDueMs;
    const leftMs = this.#tokenLeftMs();
    const noticeInMs = this.#expiryAnnounced ? leftMs : leftMs - this.#expiryNoticeMs;
    const pongDueMs = this.isHeld ? NEVER : this.#pongDueMs;
    return Math.min(nowMs + noticeInMs, this.#slowDueMs, this.#maxAgeDueMs, pongDueMs, this.#heartbeatDueMs);
  }
}

/** A token that does not say since when it is valid counts from now. */
function expiryNoticeMs(identity: Identity): number {
  const sinceMs = identity.issuedAtSeconds === null ? Date.now() : identity.issuedAtSeconds * 1_000;
  const lifeMs = identity.expiresAtSeconds * 1_000 - sinceMs;
  return Math.max(0, Math.min(EXPIRY_NOTICE_MS, 0.2 * lifeMs));
}
