export interface Address {
  readonly host: string;
  readonly port: number;
}

interface Access {
  /** null: the user `default`. */
  readonly username: string | null;
  /** null: none is asked for. */
  readonly password: string | null;
}

/** What the setting `redis` names. */
export type RedisTarget =
  | (Access & {
      readonly kind: "standalone";
      readonly address: Address;
      readonly database: number;
      readonly isTls: boolean;
    })
  /** The credentials are the master's; sentinels that ask for some are given the same. */
  | (Access & { readonly kind: "sentinel"; readonly sentinels: readonly Address[]; readonly master: string })
  /** Any of the cluster's nodes: the others are asked of them. */
  | (Access & { readonly kind: "cluster"; readonly nodes: readonly Address[] });

const FORMS =
  "redis://host:port, rediss://host:port, redis-cluster://h1:p,h2:p or redis-sentinel://h1:p,h2:p/master";
const REDIS_PORT = 6_379;
const SENTINEL_PORT = 26_379;

/** Throws TypeError for what `redisUrlProblem` finds. */
export function parseRedisUrl(text: string): RedisTarget {
  const target = read(text);
  if (typeof target === "string") throw new TypeError(`the URL of Redis ${target}`);
  return target;
}

/** What is wrong, as the rest of a sentence that begins with the value's name, free of passwords; null: nothing. */
export function redisUrlProblem(text: string): string | null {
  const target = read(text);
  return typeof target === "string" ? target : null;
}

/** The URL without its user and password. */
export function showRedisUrl(text: string): string {
  return text.replace(/\/\/[^@/]*@/, "//***@");
}

function read(text: string): RedisTarget | string {
  const {
    scheme,
    authority = "",
    path = "",
  } = /^(?<scheme>rediss?|redis-cluster|redis-sentinel):\/\/(?<authority>[^/?#]*)(?:\/(?<path>.*))?$/s.exec(
    text,
  )?.groups ?? {};
  if (scheme === undefined) return `must look like ${FORMS}`;
  const at = authority.lastIndexOf("@");
  const access = accessOf(authority.slice(0, Math.max(0, at)), at >= 0);
  if (typeof access === "string") return access;
  const addresses = addressesOf(
    authority.slice(at + 1),
    scheme === "redis-sentinel" ? SENTINEL_PORT : REDIS_PORT,
  );
  if (typeof addresses === "string") return addresses;

  const [address, ...others] = addresses;
  if (address === undefined) return `must name a host, such as ${scheme}://host:port`;
  switch (scheme) {
    case "redis-cluster":
      if (path !== "") return "must not name a database: a cluster has only one";
      return { kind: "cluster", nodes: addresses, ...access };
    case "redis-sentinel": {
      const master = decoded(path);
      if (master === null || !/^[\w.:-]+$/.test(master))
        return "must name the master the sentinels watch, such as redis-sentinel://h1:p,h2:p/mymaster";
      return { kind: "sentinel", sentinels: addresses, master, ...access };
    }
    default: {
      if (others.length > 0)
        return "must name one host: several are for redis-cluster:// or redis-sentinel://";
      if (!/^\d{0,4}$/.test(path))
        return `must have the number of a database, or nothing, after ${scheme}://host:port/`;
      return { kind: "standalone", address, database: Number(path), isTls: scheme === "rediss", ...access };
    }
  }
}

function accessOf(userinfo: string, isGiven: boolean): Access | string {
  if (!isGiven) return { username: null, password: null };
  // The first would end the user, the second be the end of all of it, in other readers of the same URL.
  if (userinfo.includes("@")) return "must have @ in a user or password written as %40";
  const colon = userinfo.indexOf(":");
  if (colon < 0)
    return "has a user without a password: write user:password@, or :password@ for the default user";
  const username = decoded(userinfo.slice(0, colon));
  const password = decoded(userinfo.slice(colon + 1));
  if (username === null || password === null)
    return "must have its user and password percent-encoded (% is %25)";
  if (password === "") return "has an empty password";
  return { username: username === "" ? null : username, password };
}

function addressesOf(text: string, defaultPort: number): readonly Address[] | string {
  if (text === "") return [];
  const addresses: Address[] = [];
  for (const part of text.split(",")) {
    const match = /^(?:\[(?<v6>[\da-f:.]+)\]|(?<name>[^:[\]\s@]+))(?::(?<port>\d+))?$/i.exec(part)?.groups;
    const host = match?.v6 ?? match?.name;
    // A part may be the rest of a password with a slash or a comma in it: it is not quoted.
    if (host === undefined)
      return "must list hosts as host:port, an IPv6 address in brackets (a / in a password is %2F, a comma %2C)";
    const port = match?.port === undefined ? defaultPort : Number(match.port);
    if (port < 1 || port > 65_535) return "must have ports from 1 to 65535";
    addresses.push({ host, port });
  }
  return addresses;
}

/** null: not percent-encoded UTF-8. */
function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
