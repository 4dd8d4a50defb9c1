import type { FastifyInstance } from "fastify";
import { HubError } from "../errors.ts";
import { assertFromHere } from "../from-here.ts";
import { refuseOtherMethods } from "../ingest/problems.ts";

const SESSION_URL = "/dev/session";

/** What `--dev` adds for the operations page: the admin token, to whoever asks from this machine. */
export function registerDevSession(app: FastifyInstance, adminTokens: readonly string[]): void {
  app.get(SESSION_URL, async (request, reply) => {
    assertFromHere(request.raw);
    const [adminToken] = adminTokens;
    if (adminToken === undefined) throw new HubError("not_found", "There is no admin token.");
    return reply.header("cache-control", "no-store").send({ adminToken });
  });
  refuseOtherMethods(app, SESSION_URL, ["GET"]);
}
