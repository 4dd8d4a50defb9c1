import type { FastifyInstance } from "fastify";
import { assertAlive } from "../alive.ts";
import type { Engine } from "../engine/contract.ts";
import { HubError } from "../errors.ts";
import { refuseOtherMethods } from "../ingest/problems.ts";

export interface HealthSource {
  isDraining(): boolean;
  health: Engine["health"];
  /** How long no gateway has been linked; null: one is, or the gateway is in this process. */
  aloneMs(): number | null;
}

/**
 * `/healthz`: this process answers, and has not been without a gateway for long; slow to fail, since whoever asks would
 * restart the hub. `/readyz`: it wants traffic; else 503 at once, `draining`, `store_unavailable` or `not_linked`.
 */
export function registerHealth(app: FastifyInstance, { isDraining, health, aloneMs }: HealthSource): void {
  app.get("/healthz", async () => {
    assertAlive(aloneMs() ?? 0, "There has been no gateway");
    return { status: "ok" };
  });
  app.get("/readyz", async () => {
    if (isDraining()) throw new HubError("draining");
    const { ready, reason } = health();
    if (!ready) throw new HubError("store_unavailable", reason ?? undefined);
    if (aloneMs() !== null) throw new HubError("not_linked", "There is no gateway.");
    return { status: "ready" };
  });
  refuseOtherMethods(app, "/healthz", ["GET"]);
  refuseOtherMethods(app, "/readyz", ["GET"]);
}
