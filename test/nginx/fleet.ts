import type { DomainEvent } from "../../src/domain/events.ts";
import { type Cluster, INGEST_TOKEN, killAll, startCluster } from "../faults/cluster.ts";
import { toCloudEvent } from "../hub.ts";
import { scrape } from "../metrics.ts";
import { describeWithRedis } from "../redis/available.ts";
import { endAllServers, startRedis } from "../redis/server.ts";
import { describeWithNginx } from "./available.ts";
import { endAllNginx, type Nginx, startNginx } from "./server.ts";

// Two hubs as on two machines, one Redis behind them and nginx before them.

/** A suite that starts fleets. */
export function describeWithFleet(title: string, suite: () => void): void {
  describeWithNginx(title, () => describeWithRedis("with one Redis", suite));
}

export interface Fleet {
  readonly hubs: readonly [Cluster, Cluster];
  readonly nginx: Nginx;
  /** As a producer would; throws unless all is accepted or unchanged. */
  post(...events: readonly DomainEvent[]): Promise<void>;
  /** Connections of the hubs, in their order, of one transport. */
  connections(transport: string): Promise<readonly number[]>;
}

export interface FleetOptions {
  /** Of both hubs. */
  readonly flags?: readonly string[];
  readonly readTimeout?: string;
}

export async function startFleet({ flags = [], readTimeout }: FleetOptions = {}): Promise<Fleet> {
  // Two gateways each: what is sticky to a hub must still find its gateway there.
  const redis = await startRedis();
  const start = () => startCluster("--workers", "2", "--redis", redis.url, ...flags);
  const hubs = [await start(), await start()] as const;
  const urls = [hubs[0].publicUrl, hubs[1].publicUrl] as const;
  const nginx = await startNginx({ hubs: urls, ...(readTimeout !== undefined && { readTimeout }) });
  return {
    hubs,
    nginx,
    async post(...events) {
      // To the first that lives: the other gets it through Redis.
      const hub = hubs.find(({ exit }) => exit === null);
      if (hub === undefined) throw new Error("both hubs have ended");
      await postTo(hub.internalUrl, events);
    },
    connections: (transport) =>
      Promise.all(
        hubs.map(async ({ internalUrl, exit }) => {
          if (exit !== null) return 0;
          return (await scrape(internalUrl)).get(`connections{transport="${transport}"}`) ?? 0;
        }),
      ),
  };
}

/** For `afterEach` or `afterAll`: nothing of any fleet is left. */
export async function endFleets(): Promise<void> {
  try {
    await endAllNginx();
  } finally {
    killAll();
    endAllServers();
  }
}

async function postTo(internalUrl: string, events: readonly DomainEvent[]): Promise<void> {
  const response = await fetch(`${internalUrl}/api/v1/events`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${INGEST_TOKEN}`,
      "content-type": "application/cloudevents-batch+json",
    },
    body: JSON.stringify(events.map(toCloudEvent)),
  });
  const text = await response.text();
  if (response.status !== 200 || !text.includes('"rejected":[]'))
    throw new Error(`${response.status} ${text}`);
}
