import jsonwebtoken from "jsonwebtoken";
import { pino } from "pino";
import { settingsFor } from "../src/config/load.ts";
import type { Settings } from "../src/config/schema.ts";
import { type Hub, startHub } from "../src/core/hub.ts";
import type { DomainEvent } from "../src/domain/events.ts";

export const JWT_SECRET = "test-secret-that-is-long-enough-for-hs256";
export const INGEST_TOKEN = "test-ingest-token-that-is-long-enough";
/** For `adminToken: [ADMIN_TOKEN]`. */
export const ADMIN_TOKEN = "test-admin-token-that-is-long-enough";

export interface TestHub extends Hub {
  /** A valid token of the user. */
  tokenFor(userId: string, ttlSeconds?: number): string;
  /** Posts events to the internal listener, as a producer would; throws unless the answer is 200. */
  post(events: readonly DomainEvent[]): Promise<{ accepted: number; unchanged: number; rejected: unknown[] }>;
}

/** A real hub in this process, on free ports of 127.0.0.1, its log silent. */
export async function startTestHub(overrides: Partial<Settings> = {}): Promise<TestHub> {
  const settings = settingsFor({
    host: "127.0.0.1",
    port: 0,
    internalHost: "127.0.0.1",
    internalPort: 0,
    jwtSecret: [JWT_SECRET],
    ingestToken: [INGEST_TOKEN],
    dataDir: null,
    ...overrides,
  });
  const hub = await startHub({ settings, log: pino({ level: "silent" }) });
  return {
    ...hub,
    tokenFor(userId, ttlSeconds = 3600) {
      return jsonwebtoken.sign({}, JWT_SECRET, { subject: userId, expiresIn: ttlSeconds });
    },
    async post(events) {
      const response = await fetch(`${hub.internalUrl}/api/v1/events`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${INGEST_TOKEN}`,
          "content-type": "application/cloudevents-batch+json",
        },
        body: JSON.stringify(events.map(toCloudEvent)),
      });
      if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
      return (await response.json()) as Awaited<ReturnType<TestHub["post"]>>;
    },
  };
}

/** The CloudEvent of a domain event, in structured form; null fields are left out. */
export function toCloudEvent({ source, id, type, scope, ...data }: DomainEvent): Record<string, unknown> {
  return {
    specversion: "1.0",
    source,
    id,
    type,
    ...(scope === "user" ? { jobscope: "user" } : {}),
    data: Object.fromEntries(Object.entries(data).filter(([, value]) => value !== null)),
  };
}
