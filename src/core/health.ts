import type { FastifyInstance } from "fastify";
import type { Engine } from "../engine/contract.ts";

/** `/healthz`: this process answers. `/readyz`: it wants traffic; 503 with the reason while it does not. */
export function registerHealth(app: FastifyInstance, health: Engine["health"]): void {
  app.get("/healthz", async () => ({ status: "ok" }));
  app.get("/readyz", async (_request, reply) => {
    const { ready, reason } = health();
    return ready ? { status: "ready" } : reply.code(503).send({ status: "not ready", reason });
  });
}
