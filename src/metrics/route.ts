import type { FastifyInstance } from "fastify";
import { refuseOtherMethods } from "../ingest/problems.ts";
import type { Scraper } from "./scrape.ts";
import { METRICS_CONTENT_TYPE } from "./text.ts";

const METRICS_URL = "/metrics";

/** Adds `GET /metrics` to the internal listener: open, as health is. */
export function registerMetrics(app: FastifyInstance, scraper: Scraper): void {
  app.get(METRICS_URL, async (_request, reply) => {
    const text = await scraper.text();
    return reply.header("cache-control", "no-store").type(METRICS_CONTENT_TYPE).send(text);
  });
  refuseOtherMethods(app, METRICS_URL, ["GET"]);
}
