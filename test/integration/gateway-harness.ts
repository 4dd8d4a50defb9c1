import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import jsonwebtoken from "jsonwebtoken";
import { pino } from "pino";
import { createVerifier } from "../../src/auth/verify.ts";
import { settingsFor } from "../../src/config/load.ts";
import type { Settings } from "../../src/config/schema.ts";
import { Directory } from "../../src/core/directory.ts";
import { systemClock } from "../../src/engine/clock.ts";
import { CoreEngine } from "../../src/engine/core-engine.ts";
import { ResidentStore } from "../../src/engine/resident/store.ts";
import { type Gateway, startGateway } from "../../src/gateway/main.ts";
import { createPeers, type Peers } from "../../src/gateway/peers.ts";

export const TEST_SECRET = "a-secret-of-at-least-thirty-two-bytes!";

export interface TestGateway {
  readonly gateway: Gateway;
  readonly engine: CoreEngine;
  readonly directory: Directory;
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** A gateway on a free port with a real engine beside it; nothing is conflated unless asked for. */
export async function testGateway(overrides: Partial<Settings> = {}): Promise<TestGateway> {
  const settings = testSettings(overrides);
  const engine = testEngine(settings);
  const directory = new Directory(settings.maxConnectionsPerUser);
  const { close, ...gateway } = await gatewayBeside({ engine, directory }, "gateway", overrides);
  return {
    ...gateway,
    async close() {
      await close();
      engine.close();
    },
  };
}

export interface TestCluster {
  /** Tags 1, 2 and so on. */
  readonly gateways: readonly TestGateway[];
  readonly engine: CoreEngine;
  /** Of their Unix sockets. */
  readonly folder: string;
  close(): Promise<void>;
}

/** So many gateways that pass on to each other, and one core for all, in this process. */
export async function testCluster(
  size: number,
  overrides: Partial<Settings> = {},
  overridesOf: (tag: string) => Partial<Settings> = () => ({}),
): Promise<TestCluster> {
  const folder = await mkdtemp(join(tmpdir(), "gateways-"));
  const settings = testSettings(overrides);
  const core = { engine: testEngine(settings), directory: new Directory(settings.maxConnectionsPerUser) };
  const tags = Array.from({ length: size }, (_, index) => String(index + 1));
  const gateways = await Promise.all(
    tags.map((tag) => {
      const own = { ...overrides, ...overridesOf(tag) };
      return gatewayBeside(core, `gateway-${tag}`, own, createPeers(folder, tag));
    }),
  );
  return {
    gateways,
    engine: core.engine,
    folder,
    async close() {
      for (const gateway of gateways) await gateway.close();
      core.engine.close();
      await rm(folder, { recursive: true });
    },
  };
}

function testEngine(settings: Settings): CoreEngine {
  return new CoreEngine({
    clock: systemClock,
    store: new ResidentStore({
      clock: systemClock,
      retentionMs: settings.jobRetention,
      maxJobsPerUser: settings.maxJobsPerUser,
      startMs: systemClock.unixMs(),
      disk: null,
    }),
    rules: {
      stallAfterMs: settings.stallAfter,
      expireAfterMs: settings.expireAfter,
      retryGraceMs: settings.retryGrace,
      jobIdleMs: settings.jobIdle,
    },
    limits: settings,
    photoIntervalMs: settings.progressInterval,
    jobIntervalMs: settings.jobInterval,
    recentMs: settings.recent,
  });
}

/** Another gateway of the same core; closing it leaves the core alone. */
export async function gatewayBeside(
  { engine, directory }: Pick<TestGateway, "engine" | "directory">,
  name: string,
  overrides: Partial<Settings> = {},
  peers: Peers | null = null,
): Promise<TestGateway> {
  const settings = testSettings(overrides);
  const gateway = await startGateway({
    settings,
    engine,
    attachPresence: (orders) => directory.attach(name, orders),
    verifier: createVerifier(settings),
    log: pino({ level: "silent" }),
    peers,
  });
  return {
    gateway,
    engine,
    directory,
    url: gateway.publicUrl,
    port: Number(new URL(gateway.publicUrl).port),
    close: () => gateway.close(),
  };
}

function testSettings(overrides: Partial<Settings>): Settings {
  return settingsFor({
    host: "127.0.0.1",
    port: 0,
    jwtSecret: [TEST_SECRET],
    ingestToken: ["i".repeat(32)],
    progressInterval: 0,
    jobInterval: 0,
    ...overrides,
  });
}

/** `ttlSeconds` may be negative: expired. */
export function tokenOf(userId: string, ttlSeconds = 3_600, secret = TEST_SECRET): string {
  const nowSeconds = Math.floor(Date.now() / 1_000);
  const claims = { sub: userId, iat: nowSeconds + Math.min(0, ttlSeconds - 1), exp: nowSeconds + ttlSeconds };
  return jsonwebtoken.sign(claims, secret);
}

/** Waits for the condition. Rejects with `what`. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: string,
  deadlineMs = 5_000,
): Promise<void> {
  const endMs = Date.now() + deadlineMs;
  while (!(await condition())) {
    if (Date.now() > endMs) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A TCP client that says what it is told to, and collects what comes. */
export class RawClient {
  readonly socket: Socket;
  text = "";
  closed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => {
      this.text += chunk;
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.closed = true;
    });
  }

  static async open(port: number, request: string): Promise<RawClient> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    const client = new RawClient(socket);
    socket.write(request);
    return client;
  }

  async until(pattern: RegExp, what: string, deadlineMs = 5_000): Promise<void> {
    await eventually(
      () => pattern.test(this.text),
      `${what}, got ${JSON.stringify(this.text.slice(-500))}`,
      deadlineMs,
    );
  }
}

export function httpRequest(path: string, headers: Record<string, string> = {}): string {
  const lines = Object.entries({ Host: "hub", ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

export function upgradeRequest(path: string, headers: Record<string, string> = {}): string {
  return httpRequest(path, {
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    ...headers,
  });
}
