import type { FastifyInstance } from "fastify";
import { refuseOtherMethods } from "../ingest/problems.ts";
import { readPage } from "../pages.ts";

/** A page and its files on the internal listener, open: what they show they ask for with a token. */
export function registerPage(app: FastifyInstance, name: "operations"): void {
  for (const [path, answer] of readPage(name)) {
    app.get(path, (request, reply) => {
      reply.hijack();
      answer(request.raw, reply.raw);
    });
    refuseOtherMethods(app, path, ["GET"]);
  }
}
