import { type ClientOptions, connectOnce, end, type RedisClient } from "./client.ts";
import { isReply, unavailable } from "./errors.ts";
import type { Address, RedisTarget } from "./url.ts";

type SentinelTarget = Extract<RedisTarget, { kind: "sentinel" }>;

/**
 * Asks the sentinels, one after the other, where the master is; whoever answered last is asked first. They are asked
 * before each connection to the master and at no other time: in a fail-over the master's connections end or time out.
 * Rejects with `store_unavailable` when none of them knows.
 */
export function createMasterResolver(target: SentinelTarget, options: ClientOptions): () => Promise<Address> {
  let sentinels = target.sentinels;
  return async () => {
    for (const sentinel of sentinels) {
      const address = await masterBy(sentinel, target, options).catch(() => null);
      if (address === null) continue;
      sentinels = [sentinel, ...sentinels.filter((other) => other !== sentinel)];
      return address;
    }
    throw unavailable("has no sentinel that answers and knows the master");
  };
}

/** A demoted master goes on to serve readers, and refuses writes: it is none. */
export async function assertMaster(client: RedisClient): Promise<void> {
  // Not ROLE, for which a user of Redis needs a right of its own.
  const info = await client.info("replication");
  if (!/^role:master\r?$/m.test(info)) throw unavailable("is a replica, which takes no writes");
}

/** null: this sentinel does not watch it. */
async function masterBy(
  sentinel: Address,
  target: SentinelTarget,
  options: ClientOptions,
): Promise<Address | null> {
  const client = await connectTo(sentinel, options);
  const timer = setTimeout(() => end(client), options.connectTimeoutMs);
  try {
    const reply = await client.sendCommand<unknown>(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", target.master]);
    if (!Array.isArray(reply)) return null;
    const [host, port]: unknown[] = reply;
    return { host: String(host), port: Number(port) };
  } finally {
    clearTimeout(timer);
    end(client);
  }
}

/** Most sentinels ask for no password, and refuse one that is sent. */
async function connectTo(sentinel: Address, options: ClientOptions): Promise<RedisClient> {
  try {
    return await connectOnce(sentinel, { ...options, target: { username: null, password: null } });
  } catch (error) {
    if (!isReply(error, "NOAUTH")) throw error;
    return connectOnce(sentinel, options);
  }
}
