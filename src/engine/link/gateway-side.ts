import { connect, type Socket } from "node:net";
import type { Revocations } from "../../auth/revocations.ts";
import type { DomainEvent } from "../../domain/events.ts";
import { HubError } from "../../errors.ts";
import type { Snapshot } from "../../metrics/readings.ts";
import { type Clock, systemClock } from "../clock.ts";
import type {
  Engine,
  OpenOptions,
  OutMessage,
  Page,
  PublishResult,
  ReadQuery,
  Sink,
  Subscription,
} from "../contract.ts";
import { Feed } from "../feed.ts";
import type { GatewayOrders, MemberInfo, Presence } from "../presence.ts";
import type { FromCore, FromGateway, LinkAnswer, LinkMessage } from "./messages.ts";
import { Requests } from "./requests.ts";
import { LinkStream } from "./stream.ts";

/** An open or a poll waits so long for the core; what goes on with an open connection waits for ever. */
const PATIENCE_MS = 5_000;
const EXPIRE_EVERY_MS = 250;
/** A core that has said nothing for so long serves nobody just now; it tells its health every 500 ms. */
const SILENT_AFTER_MS = 2_000;
/** Between two tries to link: they cost next to nothing, and clients wait. */
const RELINK_EVERY_MS = 50;

export interface GatewaySideOptions {
  /** Unix socket of the core. */
  readonly path: string;
  /** Of this gateway, as metrics and admin routes name it. */
  readonly name: string;
  readonly revocations: Pick<Revocations, "add" | "list">;
  readonly clock?: Pick<Clock, "monotonicMs">;
  /** This process's metrics, when the core asks for them. */
  readonly metrics?: () => Promise<Snapshot>;
  /** The link came, and the core knows of it and has said how it is; or the link went. */
  readonly onChange?: (isLinked: boolean) => void;
}

export interface GatewaySideStats {
  readonly queuedBytes: number;
  /** Asked of the core, and not answered yet. */
  readonly requests: number;
  /** Links made since the start. */
  readonly links: number;
}

/**
 * The core as a gateway sees it, over a link that may break: an `Engine` whose feeds are here and whose state is there.
 * While there is no link, live connections wait; when there is one again, each asks what it missed.
 */
export class GatewaySide implements Engine, Presence {
  readonly #options: GatewaySideOptions;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #feeds = new Map<string, Set<Feed>>();
  readonly #members = new Map<number, MemberInfo>();
  readonly #requests = new Requests();
  readonly #expiry: NodeJS.Timeout;
  #orders: GatewayOrders | null = null;
  #stream: LinkStream<FromGateway, FromCore> | null = null;
  #relink: NodeJS.Timeout | null = null;
  #coreHealth: ReturnType<Engine["health"]> | null = null;
  #heardAtMs = 0;
  /** Monotonic time since which there is no link; null: there is one. */
  #unlinkedSinceMs: number | null;
  #links = 0;
  #closed = false;

  constructor(options: GatewaySideOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#unlinkedSinceMs = this.#clock.monotonicMs();
    this.#expiry = setInterval(() => this.#requests.expire(this.#clock.monotonicMs()), EXPIRE_EVERY_MS);
    this.#expiry.unref();
    this.#connect();
  }

  get stats(): GatewaySideStats {
    return {
      queuedBytes: this.#stream?.queuedBytes ?? 0,
      requests: this.#requests.size,
      links: this.#links,
    };
  }

  /** How long there has been no link; 0: there is one. */
  get unlinkedMs(): number {
    return this.#unlinkedSinceMs === null ? 0 : this.#clock.monotonicMs() - this.#unlinkedSinceMs;
  }

  /** Takes the orders for this gateway's connections; once, before any connection. */
  attach(orders: GatewayOrders): Presence {
    this.#orders = orders;
    return this;
  }

  open(userId: string, options: OpenOptions, sink: Sink): Subscription {
    const readPage = (query: ReadQuery) =>
      this.#read(query, query.from.kind === "start" ? PATIENCE_MS : Number.POSITIVE_INFINITY);
    const feed = new Feed(readPage, userId, options, sink, (closed) => this.#unwatch(userId, closed));
    this.#watch(userId, feed);
    feed.start();
    return feed;
  }

  read(query: ReadQuery): Promise<Page> {
    return this.#read(query, PATIENCE_MS);
  }

  async jobs(userId: string, jobId: string | null): Promise<readonly OutMessage[]> {
    const answer = await this.#requests.ask({ kind: "jobs", userId, jobId }, this.#deadlineMs(PATIENCE_MS));
    return answer.kind === "jobMessages" ? answer.messages : unexpected(answer);
  }

  async publish(events: readonly DomainEvent[]): Promise<PublishResult> {
    const answer = await this.#requests.ask({ kind: "publish", events }, this.#deadlineMs(PATIENCE_MS));
    return answer.kind === "published" ? answer.result : unexpected(answer);
  }

  health(): ReturnType<Engine["health"]> {
    if (this.#coreHealth === null) return { ready: false, reason: "The core is not linked." };
    if (this.#clock.monotonicMs() - this.#heardAtMs < SILENT_AFTER_MS) return this.#coreHealth;
    return { ready: false, reason: "The core does not answer." };
  }

  join(member: MemberInfo): void {
    this.#members.set(member.memberId, member);
    this.#stream?.send({ kind: "join", member });
  }

  leave(memberId: number): void {
    if (this.#members.delete(memberId)) this.#stream?.send({ kind: "leave", memberId });
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#expiry);
    if (this.#relink !== null) clearTimeout(this.#relink);
    this.#stream?.close();
  }

  async #read(query: ReadQuery, patienceMs: number): Promise<Page> {
    const answer = await this.#requests.ask({ kind: "read", query }, this.#deadlineMs(patienceMs));
    return answer.kind === "page" ? { ...answer.page, messages: answer.messages } : unexpected(answer);
  }

  #deadlineMs(patienceMs: number): number {
    return this.#clock.monotonicMs() + patienceMs;
  }

  #watch(userId: string, feed: Feed): void {
    const feeds = this.#feeds.get(userId);
    if (feeds !== undefined) {
      feeds.add(feed);
      return;
    }
    this.#feeds.set(userId, new Set([feed]));
    this.#stream?.send({ kind: "watch", userId });
  }

  #unwatch(userId: string, feed: Feed): void {
    const feeds = this.#feeds.get(userId);
    if (!feeds?.delete(feed) || feeds.size > 0) return;
    this.#feeds.delete(userId);
    this.#stream?.send({ kind: "unwatch", userId });
  }

  #connect(): void {
    const socket = connect(this.#options.path);
    socket.once("connect", () => this.#linked(socket));
    socket.once("error", () => socket.destroy());
    socket.once("close", () => this.#unlinked());
  }

  #linked(socket: Socket): void {
    const stream = new LinkStream<FromGateway, FromCore>(socket, isFromCore, {
      message: (message) => this.#take(message),
      drained: () => {},
      closed: () => {},
    });
    this.#stream = stream;
    this.#unlinkedSinceMs = null;
    this.#links += 1;
    stream.send({ kind: "hello", name: this.#options.name, pid: process.pid });
    const revocations = this.#options.revocations.list();
    if (revocations.length > 0) stream.send({ kind: "revoked", revocations });
    for (const member of this.#members.values()) stream.send({ kind: "join", member });
    for (const userId of this.#feeds.keys()) stream.send({ kind: "watch", userId });
    // Subscribed again above, so that what is read now leaves no gap to what comes live.
    this.#requests.linked((request) => stream.send(request));
    for (const feeds of this.#feeds.values()) for (const feed of feeds) feed.resync();
  }

  #unlinked(): void {
    const wasLinked = this.#stream !== null;
    this.#stream = null;
    this.#coreHealth = null;
    this.#unlinkedSinceMs ??= this.#clock.monotonicMs();
    this.#requests.unlinked();
    if (this.#closed) return;
    this.#relink = setTimeout(() => this.#connect(), RELINK_EVERY_MS);
    if (wasLinked) this.#options.onChange?.(false);
  }

  #take(message: FromCore): void {
    this.#heardAtMs = this.#clock.monotonicMs();
    switch (message.kind) {
      case "deliver":
        for (const feed of this.#feeds.get(message.userId) ?? []) feed.push(message.userId, message.messages);
        return;
      case "resync":
        for (const userId of message.userIds) {
          for (const feed of this.#feeds.get(userId) ?? []) feed.resync();
        }
        return;
      case "revoked":
        for (const revocation of message.revocations) this.#options.revocations.add(revocation);
        return;
      case "health":
        this.#takeHealth({ ready: message.ready, reason: message.reason });
        return;
      case "end":
        this.#orders?.end(message.memberIds, message.reason);
        return;
      case "scrape":
        void this.#answerScrape(message.request);
        return;
      default:
        this.#requests.answer(message);
    }
  }

  #takeHealth(health: ReturnType<Engine["health"]>): void {
    const isFirst = this.#coreHealth === null;
    this.#coreHealth = health;
    if (isFirst) this.#options.onChange?.(true);
  }

  async #answerScrape(request: number): Promise<void> {
    const metrics = (await this.#options.metrics?.()) ?? [];
    this.#stream?.send({ kind: "metrics", request, metrics });
  }
}

/** Not reached: the core answers each request with its own kind. */
function unexpected(answer: LinkAnswer): never {
  throw new HubError("internal_error", `the core answered with ${answer.kind}`);
}

const fromCore: ReadonlySet<string> = new Set<FromCore["kind"]>([
  "health",
  "revoked",
  "deliver",
  "resync",
  "end",
  "scrape",
  "page",
  "jobMessages",
  "published",
  "refused",
]);

function isFromCore(message: LinkMessage): message is FromCore {
  return fromCore.has(message.kind);
}
