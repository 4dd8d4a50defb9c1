import { closed, count, type JsonSchema, text } from "./message-schemas.ts";
import { ANY, INTERNAL, json, parameter, problems, ref } from "./openapi-parts.ts";

const ABSENT = "Without --admin-token these paths are not there: 404.";

const userId: JsonSchema = { type: "string", minLength: 1, maxLength: 256 };
const ofPath = parameter("path", "userId", userId, "Percent-encoded: auth0%7C42.");
const transports = ["socketio", "websocket", "sse", "polling"];
const byTransport = closed(Object.fromEntries(transports.map((name) => [name, count])));

function operation(
  operationId: string,
  summary: string,
  parameters: readonly object[],
  ok: { readonly description: string; readonly content: object },
) {
  return {
    operationId,
    summary,
    description: ABSENT,
    security: [{ adminToken: [] }],
    parameters,
    responses: { "200": ok, ...problems(...ANY, "unauthorized") },
  };
}

/** Operators' routes. */
export const adminPaths = {
  "/api/v1/admin/connections": {
    servers: [INTERNAL],
    get: operation(
      "connections",
      "Who is connected, over all gateways.",
      [
        parameter("query", "userId", userId, "Also lists the connections of this user. A plus is a plus."),
        parameter(
          "query",
          "limit",
          { type: "integer", minimum: 1, maximum: 1_000, default: 100 },
          "Users to name.",
        ),
      ],
      { description: "Counts at present.", content: json(ref("Connections")) },
    ),
  },
  "/api/v1/admin/users/{userId}/disconnect": {
    servers: [INTERNAL],
    post: operation("disconnectUser", "Ends all connections of a user, with 4401.", [ofPath], {
      description: "How many were told to go.",
      content: json(closed({ disconnected: count })),
    }),
  },
  "/api/v1/admin/users/{userId}": {
    servers: [INTERNAL],
    delete: operation(
      "forgetUser",
      "Drops all state of a user; clients are sent an empty snapshot.",
      [ofPath],
      {
        description: "How many jobs there were; 0: none, which is fine.",
        content: json(closed({ forgotten: count })),
      },
    ),
  },
};

export const adminSchemas = {
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
