import type { Agent } from "node:http";
import type { ClientKind, ClientRecord } from "./client-record.ts";
import type { Client } from "./clients/client.ts";
import { pollingClient } from "./clients/polling.ts";
import { socketIoClient } from "./clients/socketio.ts";
import { sseClient } from "./clients/sse.ts";
import { webSocketClient } from "./clients/websocket.ts";
import type { Oracle } from "./oracle.ts";
import { until } from "./until.ts";

/**
 * engine.io-client stops to poll while it changes to a WebSocket, and does not begin again where that one dies just then
 * (seen with Socket.IO's own server, too): it is deaf until it misses the heartbeats, 45 s by default.
 */
export const DEAF_MS = 50_000;

export interface PopulationOptions {
  readonly publicUrl: string;
  readonly oracle: Oracle;
  readonly userIds: readonly string[];
  readonly tokenOf: (userId: string) => string;
  /** Of each user; the kinds are dealt out to all devices in turn. */
  readonly devicesPerUser: number;
  readonly kinds: readonly ClientKind[];
  /** Of the HTTP requests of Socket.IO. */
  readonly agent?: Agent;
}

export interface Population {
  /** Connects all of them, a wave at a time; rejects where some of a wave don't come. */
  connect(): Promise<void>;
  /** The same without a wait for those who don't come. */
  start(): Promise<void>;
  readonly clients: readonly Client[];
  readonly records: readonly ClientRecord[];
  /** How many are connected and whole. */
  connected(): number;
  /** How many connections were lost so far, those of long-polling left aside unless asked for. */
  disconnects(kinds?: readonly ClientKind[]): number;
  /** Rejects with who is missing and why. */
  untilAllConnected(deadlineMs: number): Promise<void>;
  /** Every client (of these kinds) got a message after this time of `performance.now()`. */
  untilAllGotOneAfter(sinceMs: number, deadlineMs: number, kinds?: readonly ClientKind[]): Promise<void>;
  close(): void;
}

export const STREAMS: readonly ClientKind[] = [
  "socketio",
  "socketio-websocket",
  "socketio-polling",
  "websocket",
  "sse",
];
/** Connecting at the same time: about what a balancer gives a hub that was just started. */
const WAVE = 50;
const CONNECT_DEADLINE_MS = 20_000;
const WAVE_MS = 500;

/** Nobody is connected yet. */
export function populationOf(options: PopulationOptions): Population {
  const { oracle, userIds, devicesPerUser, kinds } = options;
  const clients: Client[] = [];
  const devices = userIds.flatMap((userId) => Array.from({ length: devicesPerUser }, () => userId));
  const population = watched(clients);
  const connectWaves = async (untilThere: () => Promise<void>): Promise<void> => {
    for (const [index, userId] of devices.entries()) {
      const kind = kinds[index % kinds.length] ?? "socketio";
      clients.push(connect(oracle.client(kind, userId), options));
      if (clients.length % WAVE === 0) await untilThere();
    }
    await untilThere();
  };
  return Object.assign(population, {
    connect: () => connectWaves(() => population.untilAllConnected(CONNECT_DEADLINE_MS)),
    start: () => connectWaves(() => population.untilAllConnected(WAVE_MS).catch(() => undefined)),
  });
}

function connect(record: ClientRecord, { publicUrl, agent, tokenOf }: PopulationOptions): Client {
  const options = { publicUrl, record, token: tokenOf(record.userId) };
  const socketIo = { ...options, ...(agent !== undefined && { agent }) };
  switch (record.kind) {
    case "socketio":
      return socketIoClient(socketIo);
    case "socketio-websocket":
      return socketIoClient({ ...socketIo, transports: ["websocket"] });
    case "socketio-polling":
      return socketIoClient({ ...socketIo, upgrade: false });
    case "websocket":
      return webSocketClient(options);
    case "sse":
      return sseClient(options);
    case "polling":
      return pollingClient(options);
  }
}

function watched(clients: readonly Client[]): Omit<Population, "connect" | "start"> {
  const missing = () => clients.filter(({ record }) => !record.isSynced);
  const describe = (some: readonly Client[]) => some.slice(0, 10).map(describeOne).join("\n");
  return {
    clients,
    get records() {
      return clients.map(({ record }) => record);
    },
    connected: () => clients.length - missing().length,
    disconnects: (kinds = STREAMS) =>
      clients
        .filter(({ record }) => kinds.includes(record.kind))
        .reduce((sum, { record }) => sum + record.disconnects.length, 0),
    async untilAllConnected(deadlineMs) {
      await until(
        () => missing().length === 0,
        `all ${clients.length} clients are connected`,
        deadlineMs,
        () => `${missing().length} are missing:\n${describe(missing())}`,
      );
    },
    async untilAllGotOneAfter(sinceMs, deadlineMs, kinds) {
      const those = clients.filter(({ record }) => kinds?.includes(record.kind) ?? true);
      const without = () => those.filter(({ record }) => record.lastMessageAtMs <= sinceMs);
      await until(
        () => without().length === 0,
        "every client got a message",
        deadlineMs,
        () => `${without().length} of ${those.length} did not:\n${describe(without())}`,
      );
    },
    close() {
      for (const client of clients) client.close();
    },
  };
}

function describeOne({ record, transport }: Client): string {
  const agoMs = Math.round(performance.now() - record.lastMessageAtMs);
  return [
    `${record.name} of ${record.userId}: ${record.isSynced ? "synced" : "not synced"} on ${transport()}`,
    `last message ${agoMs} ms ago, ${record.disconnects.length} disconnects`,
    record.gaveUp === null ? "" : `gave up: ${record.gaveUp}`,
    ...record.problems.slice(-3),
  ].join("; ");
}
