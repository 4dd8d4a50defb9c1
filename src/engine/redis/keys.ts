import { randomBytes } from "node:crypto";
import type { OwnedKind } from "../store.ts";

/** How state is kept: hubs of another one don't see it. */
const FORMAT = 1;

/** Keys of one bucket live together, so that a script may use several. */
export const BUCKETS = 256;

/** What a script of a user is given first: see scripts/user.lua. */
export interface UserKeys {
  /** user, jobs, ended, due. */
  readonly keys: readonly string[];
  /** Of the keys of single jobs. */
  readonly prefix: string;
  /** The ids that are bound to the user. */
  readonly owned: string;
}

/** Each event asks several times. */
const known = new Map<string, UserKeys>();
const MAX_KNOWN = 20_000;

export function keysOf(userId: string): UserKeys {
  const before = known.get(userId);
  if (before !== undefined) return before;
  const prefix = prefixOf(bucketOf(userId));
  const of = (name: string): string => `${prefix}${name}:${userId}`;
  const keys: UserKeys = {
    keys: [of("user"), of("jobs"), of("ended"), `${prefix}due`],
    prefix,
    owned: of("owned"),
  };
  if (known.size === MAX_KNOWN) known.clear();
  known.set(userId, keys);
  return keys;
}

/** Of one job, as scripts/user.lua names them too: the job, its log. */
export function jobKeysOf(userId: string, jobId: string): readonly string[] {
  const { prefix } = keysOf(userId);
  return [`${prefix}job:${userId}\n${jobId}`, `${prefix}log:${userId}\n${jobId}`];
}

/** Where messages of the user are published. Channels, other than keys, are the same in all databases of a Redis. */
export function channelOf(userId: string, database: number): string {
  const { prefix } = keysOf(userId);
  return database === 0 ? `${prefix}user:${userId}` : `${prefix}${database}:user:${userId}`;
}

/** Has a slot of its own: whose an id is must be asked before the user is known. */
export function ownerKey(kind: OwnedKind, id: string): string {
  return `progress-hub:${FORMAT}:owner:${kind}:${id}`;
}

export function dueKey(bucket: number): string {
  return `${prefixOf(bucket)}due`;
}

/** Of the slot of the other key, and of nobody else: written to see whether replicas follow. */
export function markerKey(key: string): string {
  return `${key.slice(0, key.indexOf("}") + 1)}:replicated:${randomBytes(6).toString("hex")}`;
}

/** Written to see whether writes are taken. */
export function probeKey(bucket: number): string {
  return `${prefixOf(bucket)}probe`;
}

function prefixOf(bucket: number): string {
  return `progress-hub:${FORMAT}:{${bucket}}:`;
}

/** FNV-1a over UTF-16 units; hubs of any version must agree on it. */
function bucketOf(userId: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < userId.length; index += 1) {
    hash = Math.imul(hash ^ userId.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % BUCKETS;
}
