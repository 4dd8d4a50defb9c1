import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from "fastify";
import type { Logger } from "pino";
import { installProblemErrors, problemServerOptions } from "../ingest/problems.ts";
import { REQUEST_ID_HEADER, requestIdOf } from "../ingest/request-id.ts";

/** A body that has not arrived by then is given up (slow POST). */
const REQUEST_TIMEOUT_MS = 15_000;
/** As much as Node takes of a request line, so that an id that is too long is refused by its own rule. */
const MAX_PARAM_CHARACTERS = 16 * 1_024;

/**
 * The server of the internal listener, without its routes. Every answer names its request in X-Request-Id, as the client
 * did or as is made here, and so does every line of the log that comes of it.
 */
export function createInternalListener(maxBodyBytes: number, log: Logger): FastifyInstance {
  const listenerLog: FastifyBaseLogger = log.child({ listener: "internal" }, { level: levelFor(log) });
  const app: FastifyInstance = fastify({
    ...problemServerOptions,
    loggerInstance: listenerLog,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "requestId" }),
    requestIdHeader: false,
    genReqId: requestIdOf,
    forceCloseConnections: true,
    bodyLimit: maxBodyBytes,
    connectionTimeout: 0,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: MAX_PARAM_CHARACTERS },
  });
  // With callbacks, as all that happens for every request: a hook that gives a promise costs a turn of its own.
  app.addHook("onRequest", (request, reply, done) => {
    reply.header(REQUEST_ID_HEADER, request.id);
    done();
  });
  app.addHook("onResponse", (request, reply, done) => {
    const { method, url } = request;
    const ms = Math.round(reply.elapsedTime);
    request.log.debug({ method, path: url.split("?")[0], status: reply.statusCode, ms }, "request");
    done();
  });
  installProblemErrors(app);
  return app;
}

/** Fastify tells at info where it listens, which the ready line says. */
function levelFor(log: Logger): string {
  return log.isLevelEnabled("info") && !log.isLevelEnabled("debug") ? "warn" : log.level;
}
