import type { ErrorCode } from "../errors.ts";
import { closed, count, type JsonSchema, text } from "./message-schemas.ts";
import { ANY, BODY, INTERNAL, json, parameter, problems, ref } from "./openapi-parts.ts";

const ABSENT = "Without --admin-token these paths are not there: 404.";

const TRUE: JsonSchema = { type: "boolean", const: true };
const userId: JsonSchema = { type: "string", minLength: 1, maxLength: 256 };
const ofPath = parameter("path", "userId", userId, "Percent-encoded: auth0%7C42.");
const transports = ["socketio", "websocket", "sse", "polling"];
const byTransport = closed(Object.fromEntries(transports.map((name) => [name, count])));

function operation(
  operationId: string,
  summary: string,
  more: { readonly parameters?: readonly object[]; readonly requestBody?: object },
  ok: { readonly description: string; readonly content: object },
  codes: readonly ErrorCode[] = [...ANY, "unauthorized"],
) {
  return {
    operationId,
    summary,
    description: ABSENT,
    security: [{ adminToken: [] }],
    ...more,
    responses: { "200": ok, ...problems(...codes) },
  };
}

/** Operators' routes. */
export const adminPaths = {
  "/api/v1/admin/connections": {
    servers: [INTERNAL],
    get: operation(
      "connections",
      "Who is connected, over all gateways.",
      {
        parameters: [
          parameter("query", "userId", userId, "Also lists the connections of this user. A plus is a plus."),
          parameter(
            "query",
            "limit",
            { type: "integer", minimum: 1, maximum: 1_000, default: 100 },
            "Users to name.",
          ),
        ],
      },
      { description: "Counts at present.", content: json(ref("Connections")) },
    ),
  },
  "/api/v1/admin/users/{userId}/disconnect": {
    servers: [INTERNAL],
    post: operation(
      "disconnectUser",
      "Ends all connections of a user, with 4401.",
      { parameters: [ofPath] },
      {
        description: "How many were told to go.",
        content: json(closed({ disconnected: count })),
      },
    ),
  },
  "/api/v1/admin/users/{userId}": {
    servers: [INTERNAL],
    delete: operation(
      "forgetUser",
      "Drops all state of a user; clients are sent an empty snapshot.",
      { parameters: [ofPath] },
      {
        description: "How many jobs there were; 0: none, which is fine.",
        content: json(closed({ forgotten: count })),
      },
    ),
  },
  "/api/v1/admin/tokens/revoke": {
    servers: [INTERNAL],
    post: operation(
      "revokeTokens",
      "Refuses tokens before they expire, and ends who is connected with one, with 4401.",
      { requestBody: { required: true, content: json(ref("Revocation")) } },
      {
        description: "Done, whether or not there is such a token.",
        content: json(closed({ revoked: TRUE })),
      },
      [...ANY, ...BODY, "unauthorized"],
    ),
  },
};

const seconds: JsonSchema = { type: "integer", minimum: 0, maximum: 253_402_300_799 };
const expiresAt: JsonSchema = {
  ...seconds,
  type: ["integer", "null"],
  description: "Unix seconds by which the tokens have expired; absent or null: unknown.",
};

export const adminSchemas = {
  Revocation: {
    oneOf: [
      closed({ jti: { type: "string", minLength: 1, maxLength: 256 } }, { expiresAt }),
      closed(
        { userId, issuedBefore: { ...seconds, description: "Unix seconds, compared with `iat`." } },
        { expiresAt },
      ),
    ],
  },
  Connections: closed(
    {
      total: count,
      byTransport,
      gateways: { type: "array", items: closed({ name: text, total: count, byTransport }) },
      users: { ...count, description: "How many users are connected." },
      byUser: {
        type: "array",
        description: "Users with most connections, most first.",
        items: closed({ userId, total: count, byTransport }),
      },
    },
    {
      connections: {
        type: "array",
        description: "Of the user asked for, oldest first.",
        items: closed({ gateway: text, transport: { type: "string", enum: transports }, ageSeconds: count }),
      },
    },
  ),
};
