import { errorCatalogue } from "../errors.ts";
import {
  API_VERSION,
  closed,
  count,
  eventId,
  id,
  type JsonSchema,
  messageSchemas,
  text,
} from "./message-schemas.ts";

const type = (name: string): JsonSchema => ({ type: "string", const: name });
const seconds: JsonSchema = { ...count, description: "Seconds." };
const milliseconds: JsonSchema = { ...count, description: "Milliseconds." };

const closeCodes = Object.entries(errorCatalogue).flatMap(([code, { closeCode, title }]) =>
  closeCode === null ? [] : [{ code, closeCode, title }],
);
const closeCodesText = closeCodes.map(({ closeCode, title }) => `${closeCode}: ${title}.`).join(" ");
const refreshCodes = ["token_missing", "token_invalid", "token_expired", "token_revoked", "internal_error"];

/** What the hub says beside the messages. */
const controlSchemas = {
  synced: closed({
    type: type("synced"),
    mode: { type: "string", enum: ["snapshot", "resumed"] },
    id: { ...eventId, description: "The head: come back with it." },
  }),
  token_expiring: closed({ type: type("token_expiring"), expiresIn: seconds }),
  heartbeat: closed({ type: type("heartbeat") }),
  reconnect: closed({ type: type("reconnect"), afterMs: milliseconds }),
  closing: closed({
    type: type("closing"),
    code: { type: "integer", enum: [...new Set(closeCodes.map(({ closeCode }) => closeCode))] },
  }),
  refreshed: closed({ type: type("refreshed"), expiresIn: seconds }),
  refresh_failed: closed({
    type: type("refresh_failed"),
    code: { type: "string", enum: refreshCodes },
  }),
};

const summaries: Readonly<Record<string, string>> = {
  upload_started: "An attempt at a photo has begun.",
  upload_progress: "A photo's bytes, or that all of them are in (PROCESSING), or that none come (stalled).",
  upload_completed: "A photo is in.",
  upload_failed: "A photo failed or was cancelled; a retry is another attempt.",
  job_progress: "All photos of a job together.",
  job_completed: "A job has ended.",
  synced: "Everything up to the head was sent. After a snapshot forget every job that was not in it.",
  token_expiring: "The token ends soon: send another one.",
  heartbeat: "The connection lives.",
  reconnect: "The hub ends the connection next; come back after this time, with the last id.",
  closing: "The code a WebSocket would be closed with.",
  refreshed: "The new token is in use.",
  refresh_failed: "The new token can't be used; the one before stays valid.",
};

function messageOf(name: string, payload: JsonSchema) {
  return { name, contentType: "application/json", summary: summaries[name], payload };
}

const outgoing = Object.fromEntries(
  Object.entries({ ...messageSchemas, ...controlSchemas }).map(([name, payload]) => [
    name,
    messageOf(name, payload),
  ]),
);

const STATE = Object.keys(messageSchemas);

const oneOfAcks = [
  closed({ ok: { type: "boolean", const: true }, expiresIn: seconds }),
  closed({ ok: { type: "boolean", const: false }, code: { type: "string", enum: refreshCodes } }),
];

const query = {
  access_token: { ...text, description: "The user's JWT." },
  lastEventId: eventId,
};

function channel(name: string, names: readonly string[], more: object) {
  return {
    ...more,
    servers: [{ $ref: `#/servers/${name}` }],
    messages: Object.fromEntries(
      names.map((message) => [message, { $ref: `#/components/messages/${message}` }]),
    ),
  };
}

function operation(action: "send" | "receive", on: string, names: readonly string[], summary: string) {
  return {
    action,
    summary,
    channel: { $ref: `#/channels/${on}` },
    messages: names.map((name) => ({ $ref: `#/channels/${on}/messages/${name}` })),
  };
}

function reply(on: string, names: readonly string[]) {
  const { channel: where, messages } = operation("send", on, names, "");
  return { reply: { channel: where, messages } };
}

function server(protocol: string, description: string) {
  return {
    host: "{address}",
    protocol,
    description,
    variables: {
      address: { default: "127.0.0.1:8080", description: "Host and port of the public listener." },
    },
    security: [
      { $ref: "#/components/securitySchemes/bearer" },
      { $ref: "#/components/securitySchemes/query" },
    ],
  };
}

const SOCKETIO = [...STATE, "synced", "token_expiring", "reconnect", "closing"];
const WEBSOCKET = [...STATE, "synced", "token_expiring", "heartbeat", "reconnect"];
const SSE = [...STATE, "synced", "token_expiring", "reconnect"];

const sseDescription =
  "Server-Sent Events: `id:`, `event:` (the message's type) and `data:` (the message); comments are heartbeats. " +
  "Come back with Last-Event-ID or `?lastEventId=`.";

/** `GET /asyncapi.json`: AsyncAPI 3.0 of everything the hub sends to clients, and of what they may say. */
export const asyncapi = {
  asyncapi: "3.0.0",
  info: {
    title: "progress-hub: messages out",
    version: API_VERSION,
    description:
      "Live upload progress of one user, the same JSON on every transport. The user is the subject of the token. " +
      "Polling and events in are described by /openapi.json.",
    license: { name: "MIT" },
  },
  defaultContentType: "application/json",
  servers: {
    socketio: server(
      "socket.io",
      "The stock client with `path: /ws/upload-progress` and `auth: {token, jobId?, lastEventId?}`. The event's " +
        "name is the type, its one argument the message.",
    ),
    websocket: server(
      "ws",
      'One JSON message a text frame. Browsers give the token as the subprotocols ["progress-hub.v1", "bearer.<token>"].',
    ),
    sse: server("http", "Server-Sent Events, for EventSource and curl."),
  },
  channels: {
    socketio: channel("socketio", [...SOCKETIO, "refresh", "refresh_ack"], {
      address: "/ws/upload-progress",
      title: "Socket.IO, default namespace",
    }),
    websocket: channel("websocket", [...WEBSOCKET, "refresh_frame", "refreshed", "refresh_failed"], {
      address: "/ws/upload-progress",
      title: "Native WebSocket",
      description: `Close codes: ${closeCodesText}`,
      bindings: {
        ws: { method: "GET", query: { type: "object", properties: { ...query, jobId: id } } },
      },
    }),
    stream: channel("sse", SSE, {
      address: "/api/v1/upload-progress",
      title: "All jobs of the user",
      description: sseDescription,
    }),
    jobStream: channel("sse", SSE, {
      address: "/api/v1/upload-progress/{jobId}",
      title: "One job",
      description: `${sseDescription} Ends after \`job_completed\`; coming back then gives 204.`,
      parameters: { jobId: { description: "A job of the user, also one nobody has announced yet." } },
    }),
  },
  operations: {
    sendSocketIo: operation("send", "socketio", SOCKETIO, "What a Socket.IO client receives."),
    sendWebSocket: operation("send", "websocket", WEBSOCKET, "What a WebSocket client receives."),
    sendStream: operation("send", "stream", SSE, "What a stream of all jobs carries."),
    sendJobStream: operation("send", "jobStream", SSE, "What a stream of one job carries."),
    refreshSocketIo: {
      ...operation("receive", "socketio", ["refresh"], 'socket.emit("refresh", {token}, ack)'),
      ...reply("socketio", ["refresh_ack"]),
    },
    refreshWebSocket: {
      ...operation("receive", "websocket", ["refresh_frame"], "The only frame a client may send."),
      ...reply("websocket", ["refreshed", "refresh_failed"]),
    },
  },
  components: {
    messages: {
      ...outgoing,
      refresh: {
        name: "refresh",
        contentType: "application/json",
        summary: "Another token of the same user takes the place of the one it came with.",
        payload: { type: "object", required: ["token"], properties: { token: text } },
      },
      refresh_frame: {
        name: "refresh",
        contentType: "application/json",
        summary: "The same over native WebSocket.",
        payload: {
          type: "object",
          required: ["type", "token"],
          properties: { type: type("refresh"), token: text },
        },
      },
      refresh_ack: {
        name: "refresh_ack",
        contentType: "application/json",
        summary: "What Socket.IO's acknowledgement is called with.",
        payload: { oneOf: oneOfAcks },
      },
    },
    securitySchemes: {
      bearer: {
        type: "http",
        scheme: "bearer",
        bearerFormat: "JWT",
        description: "A JWT with `exp`; the user is its subject.",
      },
      query: { type: "httpApiKey", in: "query", name: "access_token", description: "The same JWT." },
    },
  },
};
