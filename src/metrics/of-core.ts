import type { EngineStats } from "../engine/core-engine.ts";
import type { CoreSide } from "../engine/link/core-side.ts";
import type { IngestCounts } from "../ingest/event-counts.ts";
import type { RedisStreamSource } from "../ingest/redis-stream.ts";
import type { Source } from "./registry.ts";

/** Events, state, and what is shown of it. */
export function metricsOfCore(engine: { readonly stats: EngineStats }, ingest: IngestCounts): Source {
  return (readings) => {
    for (const [source, counts] of Object.entries(ingest.bySource)) {
      for (const { type, result, count } of counts.entries())
        readings.set("events_total", { source, type, result }, count);
    }
    const { stats } = engine;
    readings.set("event_anomalies_total", {}, stats.anomalies);
    for (const [type, count] of stats.shownCounts.byType)
      readings.set("messages_shown_total", { type }, count);
    readings.set("messages_conflated_total", {}, stats.conflated);
    readings.histogram("event_age_seconds", { stage: "merged" }, ingest.age);
    readings.histogram("event_age_seconds", { stage: "routed" }, stats.shownCounts.age);
    readings.set("jobs", {}, stats.jobs);
    readings.set("open_photos", {}, stats.openPhotos);
    readings.set("users", {}, stats.users);
    readings.set("queue_entries", {}, stats.queued);
  };
}

/** What other machines have to do with it. */
export function metricsOfState(state: { publications(): number | null }): Source {
  return (readings) => {
    const publications = state.publications();
    if (publications !== null) readings.set("redis_publications_total", {}, publications);
  };
}

export function metricsOfRedisStream(source: RedisStreamSource): Source {
  return async (readings) => {
    for (const [code, count] of source.stats.deadLetters)
      readings.set("redis_stream_dead_letters_total", { code }, count);
    const now = await source.figures();
    if (now === null) return;
    if (now.behind !== null) readings.set("redis_stream_behind", {}, now.behind);
    readings.set("redis_stream_pending", {}, now.pending);
  };
}

/** The core's end of all links. */
export function metricsOfLinks(links: CoreSide): Source {
  return (readings) => {
    readings.set("gateways_linked", {}, links.stats.length);
    for (const { name: gateway, sent, missed, queuedBytes, watchedUsers } of links.stats) {
      readings.set("link_messages_total", { gateway }, sent);
      readings.set("link_messages_missed_total", { gateway }, missed);
      readings.set("link_queued_bytes", { gateway, side: "core" }, queuedBytes);
      readings.set("link_users", { gateway }, watchedUsers);
    }
  };
}
