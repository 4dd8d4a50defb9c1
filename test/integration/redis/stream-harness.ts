import { until } from "../../../simulator/oracle/until.ts";
import type { DomainEvent } from "../../../src/domain/events.ts";
import type { Engine, PublishResult } from "../../../src/engine/contract.ts";
import { createIngestCounts, type EventCounts } from "../../../src/ingest/event-counts.ts";
import {
  type RedisStreamSource,
  type StreamTiming,
  startRedisStream,
} from "../../../src/ingest/redis-stream.ts";
import { connectRedis } from "../../../src/redis/redis.ts";
import { type LogLine, recordedLog } from "../../log-lines.ts";
import type { RedisServer } from "../../redis/server.ts";

export const STREAM = "uploads";

/** An engine that takes everything, unless `refuse` says otherwise; keeps what it was given. */
export interface ScriptedEngine {
  readonly publish: Engine["publish"];
  /** Ids of the events taken, in order, again where they came again. */
  readonly taken: string[];
  /** Throw to refuse the whole batch; a code refuses the one event. */
  refuse: (event: DomainEvent) => PublishResult["rejected"][number]["code"] | null;
  /** Resolves before the events are taken. */
  before: () => Promise<void>;
}

export function scriptedEngine(): ScriptedEngine {
  const engine: ScriptedEngine = {
    taken: [],
    refuse: () => null,
    before: async () => {},
    async publish(events) {
      await engine.before();
      const rejected = events.flatMap((event, index) => {
        const code = engine.refuse(event);
        return code === null ? [] : [{ index, id: event.id, code, message: `refused: ${code}` }];
      });
      const refused = new Set(rejected.map(({ index }) => index));
      engine.taken.push(...events.filter((_, index) => !refused.has(index)).map(({ id }) => id));
      return { accepted: events.length - rejected.length, unchanged: 0, unchangedAt: [], rejected };
    },
  };
  return engine;
}

export interface TestSource {
  readonly source: RedisStreamSource;
  readonly counts: EventCounts;
  lines(): readonly LogLine[];
}

const sources: RedisStreamSource[] = [];

/** For `afterEach`. */
export function closeSources(): void {
  for (const source of sources.splice(0)) source.close();
}

export function startSource(
  url: string,
  engine: ScriptedEngine,
  timing: Partial<StreamTiming> = {},
  stream = STREAM,
): TestSource {
  const { log, lines } = recordedLog();
  const counts = createIngestCounts().bySource["redis-stream"];
  const { publish } = engine;
  const options = { stream, publish, counts, log, maxBatch: 10_000, maxEventBytes: 10_000, timing };
  const source = startRedisStream({ redis: connectRedis(url), ...options });
  sources.push(source);
  return { source, counts, lines };
}

export function cloudEvent(id: string, data: object = {}): string {
  const type = "photo.upload.completed";
  return JSON.stringify({
    specversion: "1.0",
    id,
    source: "test",
    type,
    data: { jobId: "j", userId: "u", photoId: id, ...data },
  });
}

/** Adds entries with the field `event`, in order. */
export async function add(server: RedisServer, ...events: readonly string[]): Promise<void> {
  for (const event of events) await server.command("XADD", STREAM, "*", "event", event);
}

export const idsOf = (count: number, prefix = "e") =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

/** The entries of a stream, fields by name. */
export async function entriesOf(
  server: RedisServer,
  stream: string,
): Promise<readonly Record<string, string>[]> {
  const reply = await server.command("XRANGE", stream, "-", "+");
  const entries: unknown[] = Array.isArray(reply) ? reply : [];
  return entries.map((entry) => {
    const fields: unknown[] = Array.isArray(entry) && Array.isArray(entry[1]) ? entry[1] : [];
    return Object.fromEntries(
      fields.flatMap((name, at) => (at % 2 === 0 ? [[String(name), String(fields[at + 1])]] : [])),
    );
  });
}

export async function untilPending(server: RedisServer, count: number): Promise<void> {
  const pending = async () => {
    const reply = await server.command("XPENDING", STREAM, "progress-hub").catch(() => null);
    return Array.isArray(reply) && reply[0] === count;
  };
  await until(pending, `${count} entries are pending`, 10_000);
}

export const untilTaken = (engine: ScriptedEngine, ids: readonly string[]) =>
  until(
    () => ids.every((id) => engine.taken.includes(id)),
    "everything is taken",
    15_000,
    () => `${engine.taken.length} were taken`,
  );
