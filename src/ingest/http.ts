import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { bearerOf, queryTokenOf } from "../auth/extract.ts";
import { createSecretCheck } from "../auth/secrets.ts";
import type { Verifier } from "../auth/verify.ts";
import { systemClock } from "../engine/clock.ts";
import type { Engine } from "../engine/contract.ts";
import type { Store } from "../engine/store.ts";
import { HubError } from "../errors.ts";
import { readBody } from "./body.ts";
import { decodeCloudEvents } from "./cloudevents.ts";
import { createIngestCounts, type EventCounts, type IngestCounts } from "./event-counts.ts";
import { parseJson } from "./json.ts";
import { takePastFastify } from "./past-fastify.ts";
import { answerError, answerErrorRaw, type Named, refuseOtherMethods } from "./problems.ts";
import { type IngestResult, publishAdmitted } from "./publish.ts";
import { REQUEST_ID_HEADER, requestIdOf } from "./request-id.ts";
import { eventsOfTusdHook } from "./tusd.ts";
import { readTusdHook, type TusdHook } from "./tusd-hook.ts";
import { ownerOf } from "./tusd-owner.ts";

export interface IngestOptions {
  readonly publish: Engine["publish"];
  /** Bearer secrets of producers and of tusd; none: everything is refused with 401. */
  readonly ingestTokens: readonly string[];
  readonly maxBodyBytes: number;
  /** Events a batch. */
  readonly maxBatch: number;
  /** True: events are refused with 503 `draining`. */
  isDraining(): boolean;
  readonly tusd: {
    /** Whose upload it is: the subject of the uploader's token, or `MetaData.userId`. */
    readonly owner: "jwt" | "metadata";
    readonly verify: Verifier;
    readonly owners: Pick<Store, "ownerOf" | "bindOwner">;
  };
}

const EVENTS_URL = "/api/v1/events";
const TUSD_URL = "/api/v1/hooks/tusd";

/**
 * Adds `POST /api/v1/events` and `POST /api/v1/hooks/tusd` to the internal listener, with their own body reading. Gives
 * what they count.
 */
export function registerIngest(app: FastifyInstance, options: IngestOptions): IngestCounts {
  const counts = createIngestCounts();
  app.register(async (scope) => {
    scope.setErrorHandler(answerError);
    // The handlers read the raw body; Fastify's readers would cut the connection of a client that still writes.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, _payload, done) => done(null));
    registerEvents(scope, options, counts.bySource.cloudevents);
    registerTusd(scope, options, counts.bySource.tusd);
  });
  return counts;
}

/** A request whose body is still to be read. */
interface Arrived extends Named {
  readonly raw: IncomingMessage;
}

/** Request -> 401 secret -> 503 draining -> 413 size -> 415 type -> 400 JSON -> 413 batch -> publish (503) -> 200 or 422. */
function registerEvents(scope: FastifyInstance, options: IngestOptions, counts: EventCounts): void {
  const isSecret = createSecretCheck(options.ingestTokens);
  const take = async (request: Arrived, response: ServerResponse): Promise<void> => {
    const { headers } = request.raw;
    // Else the next one on this connection would meet its end.
    if (options.isDraining()) response.setHeader("connection", "close");
    try {
      if (!isSecret(bearerOf(headers.authorization))) throw new HubError("unauthorized");
      if (options.isDraining()) throw new HubError("draining");
      const body = await readBody(request.raw, options.maxBodyBytes);
      const arrivedAtMs = systemClock.monotonicMs();
      const results = decodeCloudEvents(body, headers, options.maxBatch);
      const result = await publishAdmitted(results, { publish: options.publish, counts, arrivedAtMs });
      const allRejected = results.length > 0 && result.rejected.length === results.length;
      answerJson(response, allRejected ? 422 : 200, request.id, JSON.stringify(result));
    } catch (error) {
      answerErrorRaw(error, request, response);
    }
  };
  const takeRaw = async (raw: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [requestId, sinceMs] = [requestIdOf(raw), performance.now()];
    const request = {
      id: requestId,
      raw,
      get log() {
        return scope.log.child({ requestId });
      },
    };
    await take(request, response);
    const ms = Math.round(performance.now() - sinceMs);
    const { statusCode: status } = response;
    scope.log.debug({ requestId, method: "POST", path: EVENTS_URL, status, ms }, "request");
  };
  takePastFastify(scope.server, "POST", EVENTS_URL, (raw, response) => void takeRaw(raw, response));
  scope.post(EVENTS_URL, {
    onRequest(request, reply) {
      reply.hijack();
      void take(request, reply.raw);
    },
    handler: (_request, reply) => reply,
  });
  refuseOtherMethods(scope, EVENTS_URL, ["POST"]);
}

function answerJson(response: ServerResponse, status: number, requestId: string, json: string): void {
  const headers = {
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(json),
    [REQUEST_ID_HEADER]: requestId,
  };
  response.writeHead(status, headers).end(json);
}

/** Request -> 401 secret -> 413 size -> 400 JSON -> 200 `{}` ignored -> 503 draining -> publish (503) -> 200 `{}`. */
function registerTusd(scope: FastifyInstance, options: IngestOptions, counts: EventCounts): void {
  const isSecret = createSecretCheck(options.ingestTokens);

  const refusedWhole = ({ code, message }: HubError): IngestResult => {
    counts.count("unknown", code);
    return { accepted: 0, unchanged: 0, rejected: [{ index: 0, id: null, code, message }] };
  };

  const resultOf = async (
    hook: TusdHook,
    request: FastifyRequest,
    arrivedAtMs: number,
  ): Promise<IngestResult> => {
    // tusd may forward the uploader's own header to us, in the place where the secret could be.
    const bearer = bearerOf(request.headers.authorization);
    let userId: unknown;
    try {
      userId = await ownerOf(hook, isSecret(bearer) ? null : bearer, options.tusd);
    } catch (error) {
      if (error instanceof HubError && error.code !== "store_unavailable") return refusedWhole(error);
      throw error;
    }
    try {
      const { publish } = options;
      return await publishAdmitted(eventsOfTusdHook(hook, userId), { publish, counts, arrivedAtMs });
    } catch (error) {
      // tusd drops an event that is answered with 429.
      throw error instanceof HubError && error.code === "rate_limited" ? new HubError("overloaded") : error;
    }
  };

  scope.post(TUSD_URL, {
    onRequest: async (request) => {
      const known = isSecret(queryTokenOf(request.url)) || isSecret(bearerOf(request.headers.authorization));
      if (!known)
        throw new HubError("unauthorized", "Give tusd the ingest token: ?access_token=<ingest-token>.");
    },
    handler: async (request, reply) => {
      const body = await readBody(request.raw, options.maxBodyBytes);
      const arrivedAtMs = systemClock.monotonicMs();
      const hook = readTusdHook(parseJson(body), request.headers);
      // Before draining is looked at: a refused pre-create would stop an upload.
      if (hook === null) return answerTusd(reply);
      if (options.isDraining()) throw new HubError("draining");
      const result =
        hook === "malformed"
          ? refusedWhole(new HubError("invalid_field", "Upload.ID must be a non-empty string"))
          : await resultOf(hook, request, arrivedAtMs);
      // tusd sends a hook again after 5xx, and after nothing else.
      if (result.rejected.some(({ code }) => code === "overloaded")) throw new HubError("overloaded");
      // Progress comes every second an upload: one line for its creation and its ending is enough.
      const level = hook !== "malformed" && hook.name === "post-receive" ? "debug" : "warn";
      for (const { code, message } of result.rejected) {
        request.log[level]({ code, detail: message }, "event of a tusd hook rejected");
      }
      return answerTusd(reply);
    },
  });
  refuseOtherMethods(scope, TUSD_URL, ["POST"]);
}

/** An empty answer of tusd's own shape; anything in it could stop the upload. */
function answerTusd(reply: FastifyReply): FastifyReply {
  return reply.code(200).send({});
}
