import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type {
  FastifyBaseLogger,
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifyServerOptions,
  HTTPMethods,
} from "fastify";
import { type ErrorCode, HubError } from "../errors.ts";
import { problemAnswerOf, problemTextOf } from "../problem.ts";
import { REQUEST_ID_HEADER } from "./request-id.ts";

const ALL_METHODS: readonly HTTPMethods[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** Fastify's own refusals, as ours. Codes not named here go by their status. */
const byStatus = new Map<number, ErrorCode>([
  [401, "unauthorized"],
  [404, "not_found"],
  [405, "method_not_allowed"],
  [408, "connect_timeout"],
  [413, "body_too_large"],
  [415, "unsupported_media_type"],
  [429, "rate_limited"],
  [503, "overloaded"],
]);
const byFastifyCode = new Map<string, ErrorCode>([
  ["FST_ERR_CTP_EMPTY_JSON_BODY", "malformed_json"],
  ["FST_ERR_CTP_INVALID_JSON_BODY", "malformed_json"],
]);

/** Whatever was thrown, as an error of the catalogue: HubErrors as they are, Fastify's by meaning, else `internal_error`. */
function toHubError(error: unknown): HubError {
  if (error instanceof HubError) return error;
  const { code, statusCode } = fastifyFields(error);
  if (statusCode === null || statusCode < 400) return new HubError("internal_error");
  const known = byFastifyCode.get(code) ?? byStatus.get(statusCode);
  if (known !== undefined) return new HubError(known);
  return statusCode < 500 ? new HubError("bad_request", messageOf(error)) : new HubError("internal_error");
}

function sendProblem(reply: FastifyReply, error: HubError): FastifyReply {
  const { status, headers, body } = problemAnswerOf(error);
  // As bytes: to the type of a text Fastify would add a charset, which JSON has none of (RFC 8259 section 11).
  return reply.code(status).headers(headers).send(Buffer.from(body));
}

/** Every error and every unknown path of a listener, as a problem document. Call once, on the listener's root. */
export function installProblemErrors(app: FastifyInstance): void {
  app.setErrorHandler(answerError);
  app.setNotFoundHandler((_request, reply) => sendProblem(reply, new HubError("not_found")));
}

/** Answers 405 with Allow for every method but `allowed`; GET allows HEAD. Call after the routes themselves. */
export function refuseOtherMethods(app: FastifyInstance, url: string, allowed: readonly HTTPMethods[]): void {
  const allow = allowed.includes("GET") && !allowed.includes("HEAD") ? [...allowed, "HEAD"] : [...allowed];
  app.route({
    method: ALL_METHODS.filter((method) => !allow.includes(method)),
    url,
    // Before the body is read; a GET has none, but a PUT may.
    onRequest: async (_request, reply) =>
      sendProblem(reply.header("allow", allow.join(", ")), new HubError("method_not_allowed")),
    handler: (_request, reply) => reply,
  });
}

/** For `fastify({...})`: the refusals that never reach an error handler. Spread it into the listener's options. */
export const problemServerOptions = {
  // Draining is refused by the routes, as a problem document; Fastify's own answer is none.
  return503OnClosing: false,
  frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
    // Hooks do not see these.
    reply.header(REQUEST_ID_HEADER, request.id);
    sendProblem(reply, toHubError(error));
  },
  clientErrorHandler: answerBrokenRequest,
} satisfies FastifyServerOptions;

/** What an answer needs to know of its request; `log` names it. */
export interface Named {
  readonly id: string;
  readonly log: Pick<FastifyBaseLogger, "error">;
}

export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  sendProblem(reply, toldOf(error, request));
}

/** The same past Fastify. */
export function answerErrorRaw(error: unknown, request: Named, response: ServerResponse): void {
  const { status, headers, body } = problemAnswerOf(toldOf(error, request));
  response.writeHead(status, { ...headers, [REQUEST_ID_HEADER]: request.id }).end(body);
}

/** What the client is told; the log is told of what it can't be. */
function toldOf(error: unknown, request: Named): HubError {
  const hubError = toHubError(error);
  // Looked at here alone: past Fastify a log that names its request is made for who asks.
  if (hubError.code === "internal_error") request.log.error({ err: error }, "request failed");
  return hubError;
}

/** Bytes that are no HTTP request, or came too slowly. */
function answerBrokenRequest(error: Error & { readonly code?: string }, socket: Socket): void {
  // Something was answered on this connection: more could land inside another answer.
  if (!socket.writable || socket.bytesWritten > 0 || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const late = error.code === "ERR_HTTP_REQUEST_TIMEOUT";
  const refusal = late
    ? new HubError("connect_timeout", "The request did not arrive in time.")
    : new HubError("bad_request", "This is not a valid HTTP request, or its headers are too large.");
  socket.end(problemTextOf(refusal));
}

function fastifyFields(error: unknown): { code: string; statusCode: number | null } {
  if (typeof error !== "object" || error === null) return { code: "", statusCode: null };
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const statusCode = "statusCode" in error && typeof error.statusCode === "number" ? error.statusCode : null;
  return { code, statusCode };
}

function messageOf(error: unknown): string | undefined {
  return error instanceof Error && error.message !== "" ? error.message : undefined;
}
