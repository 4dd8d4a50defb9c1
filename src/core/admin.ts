import type { FastifyInstance } from "fastify";
import { bearerOf } from "../auth/extract.ts";
import type { Revocation } from "../auth/revocations.ts";
import { createSecretCheck } from "../auth/secrets.ts";
import { isUserId, USER_ID_RULE } from "../auth/user-id.ts";
import { HubError } from "../errors.ts";
import { readBody } from "../ingest/body.ts";
import { parseJson } from "../ingest/json.ts";
import { answerError, refuseOtherMethods } from "../ingest/problems.ts";
import type { Directory } from "./directory.ts";
import { revocationOf } from "./revocation.ts";

export interface AdminOptions {
  /** Bearer secrets of operators; none: the routes are not there. */
  readonly adminTokens: readonly string[];
  readonly directory: Directory;
  /** Forgets all state of the user; gives how many jobs that were. */
  forget(userId: string): Promise<number>;
  /** From now on these tokens are refused, and whoever is connected with one is ended. False: the oldest had to go. */
  revoke(revocation: Revocation): boolean;
  /** Of the same clock as `MemberInfo.sinceMs`. */
  nowMs(): number;
}

const CONNECTIONS_URL = "/api/v1/admin/connections";
const USER_URL = "/api/v1/admin/users/:userId";
const REVOKE_URL = "/api/v1/admin/tokens/revoke";
const DISCONNECT_URL = `${USER_URL}/disconnect`;

const MAX_REVOCATION_BYTES = 16 * 1_024;

/** Users that are listed unless `limit` says otherwise, and at most. */
const LISTED_USERS = 100;
const MAX_LISTED_USERS = 1_000;

/** Adds the operators' routes to the internal listener. Request -> 401 secret -> 405 method -> 400 parameters -> 200. */
export function registerAdmin(app: FastifyInstance, options: AdminOptions): void {
  if (options.adminTokens.length === 0) return;
  const isSecret = createSecretCheck(options.adminTokens);
  app.register(async (scope) => {
    scope.setErrorHandler(answerError);
    // A body is read where one is wanted, whatever a client says it is.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, _payload, done) => done(null));
    scope.addHook("onRequest", async (request, reply) => {
      reply.header("cache-control", "no-store");
      if (!isSecret(bearerOf(request.headers.authorization)))
        throw new HubError("unauthorized", "Send the admin token: Authorization: Bearer <admin-token>.");
    });
    scope.get(CONNECTIONS_URL, async (request) => connectionsOf(options, queryOf(request.url)));
    scope.post(DISCONNECT_URL, async (request) => ({
      disconnected: options.directory.disconnect(userIdIn(request.params), "disconnected"),
    }));
    scope.delete(USER_URL, async (request) => ({
      forgotten: await options.forget(userIdIn(request.params)),
    }));
    scope.post(REVOKE_URL, async (request) => {
      const body = parseJson(await readBody(request.raw, MAX_REVOCATION_BYTES));
      if (!options.revoke(revocationOf(body)))
        request.log.warn("too many revocations: the oldest was dropped, and its tokens are good again");
      return { revoked: true };
    });
    refuseOtherMethods(scope, CONNECTIONS_URL, ["GET"]);
    refuseOtherMethods(scope, DISCONNECT_URL, ["POST"]);
    refuseOtherMethods(scope, USER_URL, ["DELETE"]);
    refuseOtherMethods(scope, REVOKE_URL, ["POST"]);
  });
}

function connectionsOf({ directory, nowMs }: AdminOptions, query: URLSearchParams): object {
  const byUser = directory.busiest(limitOf(query.get("limit")));
  const userId = query.get("userId");
  if (userId === null) return { ...directory.counts(), byUser };
  const connections = directory.membersOf(assertUserId(userId)).map(({ gateway, kind, sinceMs }) => ({
    gateway,
    transport: kind,
    ageSeconds: Math.max(0, Math.floor((nowMs() - sinceMs) / 1_000)),
  }));
  return { ...directory.counts(), byUser, connections };
}

function userIdIn(params: unknown): string {
  const hasUserId = typeof params === "object" && params !== null && "userId" in params;
  return assertUserId(hasUserId ? params.userId : null);
}

function assertUserId(value: unknown): string {
  if (!isUserId(value)) throw new HubError("bad_request", `userId must be ${USER_ID_RULE}, percent-encoded.`);
  return value;
}

function limitOf(value: string | null): number {
  const limit = value === null ? LISTED_USERS : Number(/^\d{1,4}$/.exec(value)?.[0] ?? 0);
  if (limit < 1 || limit > MAX_LISTED_USERS)
    throw new HubError("bad_request", `limit must be a number from 1 to ${MAX_LISTED_USERS}.`);
  return limit;
}

/** Percent-decoded alone, as in a path: a plus is a plus, since user ids may be mail addresses. */
function queryOf(url: string): URLSearchParams {
  const start = url.indexOf("?");
  return new URLSearchParams(start < 0 ? "" : url.slice(start + 1).replaceAll("+", "%2B"));
}
