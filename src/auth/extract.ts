/** What a request is read for; `node:http`'s and Socket.IO's headers both fit. */
export interface RequestLine {
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Path with query, as in the request line. */
  readonly url: string;
}

/** The native WebSocket protocol a server must answer when the client offers it. */
export const WEBSOCKET_PROTOCOL = "progress-hub.v1";
const BEARER_PROTOCOL_PREFIX = "bearer.";
const QUERY_NAME = "access_token";

/** The token of `Authorization: Bearer <token>` (RFC 6750 section 2.1); null: absent or of another scheme. */
export function bearerOf(authorization: string | readonly string[] | undefined): string | null {
  const header = typeof authorization === "string" ? authorization : authorization?.[0];
  return header === undefined ? null : (/^\s*bearer\s+(\S+)\s*$/i.exec(header)?.[1] ?? null);
}

/** The token of `?access_token=` (RFC 6750 section 2.3), the first of several; null: absent or empty. */
export function queryTokenOf(url: string): string | null {
  const start = url.indexOf("?");
  if (start < 0) return null;
  for (const pair of withoutFragment(url.slice(start + 1)).split("&")) {
    const equals = pair.indexOf("=");
    // `+` stays a plus: base64 secrets hold it, and no token holds a space.
    if (equals >= 0 && decoded(pair.slice(0, equals)) === QUERY_NAME) {
      return decoded(pair.slice(equals + 1)) || null;
    }
  }
  return null;
}

/** SSE, polling: header over query. */
export function httpTokenOf({ headers, url }: RequestLine): string | null {
  return bearerOf(headers.authorization) ?? queryTokenOf(url);
}

/** Native WebSocket: header, then subprotocol (browsers can't set headers), then query. */
export function webSocketTokenOf({ headers, url }: RequestLine): string | null {
  return bearerOf(headers.authorization) ?? subprotocolTokenOf(headers) ?? queryTokenOf(url);
}

/** Socket.IO: `auth: {token}` of the handshake, then as HTTP. `auth` is whatever the client sent. */
export function socketIoTokenOf(auth: unknown, request: RequestLine): string | null {
  if (typeof auth === "object" && auth !== null && "token" in auth) {
    const { token } = auth;
    if (typeof token === "string" && token !== "") return token;
  }
  return httpTokenOf(request);
}

function subprotocolTokenOf(headers: RequestLine["headers"]): string | null {
  const header = headers["sec-websocket-protocol"];
  const offers = typeof header === "string" ? header : (header?.join(",") ?? "");
  const names = offers.split(",").map((name) => name.trim());
  const bearer = names.find((name) => name.startsWith(BEARER_PROTOCOL_PREFIX));
  return bearer?.slice(BEARER_PROTOCOL_PREFIX.length) || null;
}

function withoutFragment(query: string): string {
  const hash = query.indexOf("#");
  return hash < 0 ? query : query.slice(0, hash);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
