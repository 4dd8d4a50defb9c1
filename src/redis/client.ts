import { createClient, type RedisClientType } from "redis";
import type { Address, RedisTarget } from "./url.ts";

/** One connection to one node, over RESP 3: commands also while it is subscribed. */
export type RedisClient = RedisClientType<
  Record<never, never>,
  Record<never, never>,
  Record<never, never>,
  3
>;

export interface ClientOptions {
  readonly target: Pick<RedisTarget, "username" | "password">;
  readonly isTls: boolean;
  readonly database: number;
  /** Certificates in PEM to trust beside the system's; null: those alone. */
  readonly ca: string | null;
  /** Milliseconds for the connection and its first answers. */
  readonly connectTimeoutMs: number;
}

/**
 * Connects once; the client never comes back by itself (see Link). Nothing is queued while it is not connected, and it
 * does not keep the process alive. Rejects with what node-redis says. The caller listens for `error` and `end`.
 */
export async function connectOnce(
  { host, port }: Address,
  { target, isTls, database, ca, connectTimeoutMs }: ClientOptions,
): Promise<RedisClient> {
  const common = { host, port, connectTimeout: connectTimeoutMs, reconnectStrategy: false } as const;
  const client: RedisClient = createClient({
    RESP: 3,
    name: "progress-hub",
    // Redis Enterprise alone has these; asking costs a round trip.
    maintNotifications: "disabled",
    disableOfflineQueue: true,
    // Its own limit costs an AbortSignal a command, and is none for a server that hangs (see Link).
    commandOptions: { timeout: 0 },
    socket: isTls ? { ...common, tls: true, ...(ca !== null && { ca }) } : common,
    database,
    ...(target.username !== null && { username: target.username }),
    ...(target.password !== null && { password: target.password }),
  });
  // Without a listener an error would end the process; what it says, the caller hears of `connect` or of its commands.
  client.on("error", () => {});
  client.unref();
  // node-redis' own limits end with the TCP connection: a hung server would be waited for for ever.
  const timer = setTimeout(() => end(client), connectTimeoutMs);
  try {
    await client.connect();
    return client;
  } catch (error) {
    end(client);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Ends the connection at once; what waits for an answer is rejected. */
export function end(client: RedisClient): void {
  if (client.isOpen) client.destroy();
}
