import type { FastifyInstance } from "fastify";
import type { Engine } from "../engine/contract.ts";
import { HubError } from "../errors.ts";

export interface HealthSource {
  isDraining(): boolean;
  health: Engine["health"];
}

/** `/healthz`: this process answers. `/readyz`: it wants traffic; else 503 `draining` or `store_unavailable`. */
export function registerHealth(app: FastifyInstance, { isDraining, health }: HealthSource): void {
  app.get("/healthz", async () => ({ status: "ok" }));
  app.get("/readyz", async () => {
    if (isDraining()) throw new HubError("draining");
    const { ready, reason } = health();
    if (!ready) throw new HubError("store_unavailable", reason ?? undefined);
    return { status: "ready" };
  });
}
