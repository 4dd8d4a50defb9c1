import { rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import type { Revocation, Revocations } from "../../auth/revocations.ts";
import { HubError } from "../../errors.ts";
import { listen } from "../../listening.ts";
import type { Snapshot } from "../../metrics/readings.ts";
import type { Answer } from "../../metrics/scrape.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { Engine, LiveSource, OutMessage, Receiver } from "../contract.ts";
import type { EndReason, GatewayOrders, Presence } from "../presence.ts";
import type { FromCore, FromGateway, LinkAnswer, LinkMessage, LinkRequest } from "./messages.ts";
import { LinkStream } from "./stream.ts";

/** Above this a gateway is sent no messages: it will ask for what it missed. Pages it asked for still go. */
const MAX_QUEUED_BYTES = 4 * 1024 * 1024;
const HEALTH_EVERY_MS = 500;
const SCRAPE_TIMEOUT_MS = 1_000;

/** What the core has for its gateways. */
export interface CoreSideOptions {
  readonly engine: Engine & LiveSource;
  /** A gateway is there: takes its orders, gives where to tell who is connected to it; `detach`: it is gone. */
  readonly attach: (name: string, orders: GatewayOrders) => Presence & { detach(): void };
  /** Ready to be asked by clients: the engine's own health, unless the core is draining. */
  readonly health: Engine["health"];
  readonly revocations: Pick<Revocations, "add" | "list" | "version">;
  readonly clock?: Pick<Clock, "monotonicMs">;
}

export interface GatewayLinkStats {
  readonly name: string;
  readonly pid: number;
  /** Messages sent over the link, and left out because too much waited, since it was made. */
  readonly sent: number;
  readonly missed: number;
  readonly queuedBytes: number;
  readonly watchedUsers: number;
}

/** The core's end of all links: a server on a Unix socket. */
export class CoreSide {
  readonly #options: CoreSideOptions;
  readonly #peers = new Set<GatewayPeer>();
  readonly #server: Server;
  readonly #healthTimer: NodeJS.Timeout;
  readonly #clock: Pick<Clock, "monotonicMs">;
  /** Monotonic time since which no gateway has been linked. */
  #aloneSinceMs: number;

  constructor(options: CoreSideOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#aloneSinceMs = this.#clock.monotonicMs();
    this.#server = createServer((socket) => this.#accept(socket));
    this.#healthTimer = setInterval(() => this.tellHealth(), HEALTH_EVERY_MS).unref();
  }

  /** Rejects with the system's error when it can't listen at the path. */
  async listen(path: string): Promise<void> {
    // A core that was killed leaves its socket behind; there is never more than one core.
    await rm(path, { force: true });
    await listen(this.#server, { path });
  }

  get stats(): readonly GatewayLinkStats[] {
    return [...this.#peers].flatMap((peer) => peer.stats ?? []);
  }

  /** How long there has been no gateway; null: there is one. */
  get aloneMs(): number | null {
    return this.stats.length > 0 ? null : this.#clock.monotonicMs() - this.#aloneSinceMs;
  }

  /** To every gateway: also says that this process lives. */
  tellHealth(): void {
    const health = this.#options.health();
    for (const peer of this.#peers) peer.tellHealth(health);
  }

  /** To every gateway; new ones are told of it when they come. */
  revoke(revocations: readonly Revocation[]): void {
    for (const peer of this.#peers) peer.revoke(revocations);
  }

  /** The metrics of every gateway, as it gave them; null: it did not in time. */
  async scrape(): Promise<readonly Answer[]> {
    const answers = [...this.#peers].map(async (peer) => {
      const metrics = await peer.scrape(SCRAPE_TIMEOUT_MS);
      return peer.stats === null ? [] : [{ name: peer.stats.name, metrics }];
    });
    return (await Promise.all(answers)).flat();
  }

  close(): void {
    clearInterval(this.#healthTimer);
    this.#server.close();
    for (const peer of this.#peers) peer.close();
  }

  #accept(socket: Socket): void {
    const { revocations } = this.#options;
    const peer = new GatewayPeer(socket, this.#options, {
      gone: () => {
        this.#peers.delete(peer);
        if (peer.stats !== null) this.#aloneSinceMs = this.#clock.monotonicMs();
      },
      revoked: (told) => {
        const news = told.filter((revocation) => {
          const { version } = revocations;
          revocations.add(revocation);
          return revocations.version !== version;
        });
        for (const other of this.#peers) if (other !== peer) other.revoke(news);
      },
    });
    this.#peers.add(peer);
    peer.revoke(revocations.list());
  }
}

interface PeerEvents {
  gone(): void;
  /** It knows of these: it was linked to a core before this one. */
  revoked(revocations: readonly Revocation[]): void;
}

/** One gateway as the core sees it: which users it holds, what it is sent, what it asks. */
class GatewayPeer implements Receiver, GatewayOrders {
  readonly #options: CoreSideOptions;
  readonly #events: PeerEvents;
  readonly #stream: LinkStream<FromCore, FromGateway>;
  readonly #watched = new Set<string>();
  /** Users whose messages were left out since too much waits; not empty: all messages are left out. */
  readonly #missed = new Set<string>();
  readonly #scrapes = new Map<number, (metrics: Snapshot | null) => void>();
  #presence: (Presence & { detach(): void }) | null = null;
  #hello: { readonly name: string; readonly pid: number } | null = null;
  #sent = 0;
  #missedCount = 0;
  #lastScrape = 0;

  constructor(socket: Socket, options: CoreSideOptions, events: PeerEvents) {
    this.#options = options;
    this.#events = events;
    this.#stream = new LinkStream(socket, isFromGateway, {
      message: (message) => this.#take(message),
      drained: () => this.#drained(),
      closed: () => {
        events.gone();
        this.#leave();
      },
    });
  }

  /** null: it has not said who it is. */
  get stats(): GatewayLinkStats | null {
    return (
      this.#hello && {
        ...this.#hello,
        sent: this.#sent,
        missed: this.#missedCount,
        queuedBytes: this.#stream.queuedBytes,
        watchedUsers: this.#watched.size,
      }
    );
  }

  push(userId: string, group: readonly OutMessage[]): void {
    if (this.#missed.size > 0 || this.#stream.queuedBytes > MAX_QUEUED_BYTES) {
      this.#missed.add(userId);
      this.#missedCount += group.length;
      return;
    }
    this.#stream.send({ kind: "deliver", userId, messages: group });
    this.#sent += group.length;
  }

  resync(userId: string): void {
    if (this.#missed.size > 0) this.#missed.add(userId);
    else this.#stream.send({ kind: "resync", userIds: [userId] });
  }

  end(memberIds: readonly number[], reason: EndReason): void {
    this.#stream.send({ kind: "end", memberIds, reason });
  }

  revoke(revocations: readonly Revocation[]): void {
    if (revocations.length > 0) this.#stream.send({ kind: "revoked", revocations });
  }

  tellHealth({ ready, reason }: ReturnType<Engine["health"]>): void {
    // A gateway that is told so takes it that the core knows of it.
    if (this.#hello !== null) this.#stream.send({ kind: "health", ready, reason });
  }

  /** null: no answer within `timeoutMs`. */
  scrape(timeoutMs: number): Promise<Snapshot | null> {
    this.#lastScrape += 1;
    const request = this.#lastScrape;
    this.#stream.send({ kind: "scrape", request });
    return new Promise((resolve) => {
      const settle = (metrics: Snapshot | null): void => {
        clearTimeout(timer);
        this.#scrapes.delete(request);
        resolve(metrics);
      };
      const timer = setTimeout(() => settle(null), timeoutMs);
      this.#scrapes.set(request, settle);
    });
  }

  close(): void {
    this.#stream.close();
  }

  #take(message: FromGateway): void {
    const { engine } = this.#options;
    switch (message.kind) {
      case "hello":
        this.#hello = { name: message.name, pid: message.pid };
        this.#presence = this.#options.attach(message.name, this);
        this.tellHealth(this.#options.health());
        return;
      case "watch":
        this.#watched.add(message.userId);
        engine.watch(message.userId, this);
        return;
      case "unwatch":
        this.#watched.delete(message.userId);
        engine.unwatch(message.userId, this);
        return;
      case "join":
        this.#presence?.join(message.member);
        return;
      case "leave":
        this.#presence?.leave(message.memberId);
        return;
      case "revoked":
        this.#events.revoked(message.revocations);
        return;
      case "metrics":
        this.#scrapes.get(message.request)?.(message.metrics);
        return;
      default:
        void this.#answer(message);
    }
  }

  async #answer(request: LinkRequest): Promise<void> {
    try {
      this.#stream.send(await this.#answerOf(request));
    } catch (error) {
      const { code, message, retryAfterSeconds } =
        error instanceof HubError ? error : new HubError("internal_error");
      this.#stream.send({ kind: "refused", request: request.request, code, message, retryAfterSeconds });
    }
  }

  async #answerOf(asked: LinkRequest): Promise<LinkAnswer> {
    const { engine } = this.#options;
    const { request } = asked;
    switch (asked.kind) {
      case "read": {
        const { messages, ...page } = await engine.read(asked.query);
        return { kind: "page", request, page, messages };
      }
      case "jobs":
        return { kind: "jobMessages", request, messages: await engine.jobs(asked.userId, asked.jobId) };
      case "publish":
        return { kind: "published", request, result: await engine.publish(asked.events) };
    }
  }

  #drained(): void {
    if (this.#missed.size === 0 || this.#stream.queuedBytes > MAX_QUEUED_BYTES / 2) return;
    const userIds = [...this.#missed];
    this.#missed.clear();
    this.#stream.send({ kind: "resync", userIds });
  }

  #leave(): void {
    for (const userId of this.#watched) this.#options.engine.unwatch(userId, this);
    this.#watched.clear();
    this.#missed.clear();
    this.#presence?.detach();
    this.#presence = null;
    for (const settle of [...this.#scrapes.values()]) settle(null);
  }
}

const fromGateway: ReadonlySet<string> = new Set<FromGateway["kind"]>([
  "hello",
  "watch",
  "unwatch",
  "join",
  "leave",
  "revoked",
  "metrics",
  "read",
  "jobs",
  "publish",
]);

function isFromGateway(message: LinkMessage): message is FromGateway {
  return fromGateway.has(message.kind);
}
