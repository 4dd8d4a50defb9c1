import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { RedisClient } from "../../redis/client.ts";
import { isReply, redirectionOf, unavailable } from "../../redis/errors.ts";

/** A Lua script; the number in its file's name is that of its keys. */
export interface Script {
  readonly source: string;
  readonly sha: string;
}

const user = read("user");

export const COMMIT = scriptOf(user + read("commit-6"));
export const READ = scriptOf(user + read("read-4"));
export const POSTPONE = scriptOf(user + read("postpone-4"));
export const FORGET = scriptOf(user + read("forget-5"));
export const CLAIM = scriptOf(read("claim-1"));
export const RELEASE = scriptOf(read("release-1"));

/**
 * Runs it by its hash, and sends it whole where the server has not heard of it yet. Rejects with `store_unavailable` while
 * the slot moves to another node and some of the keys are there: neither of the two has all that the script needs.
 */
export async function runScript(
  client: RedisClient,
  { sha, source }: Script,
  keys: readonly string[],
  args: readonly string[],
): Promise<unknown> {
  const rest = [String(keys.length), ...keys, ...args];
  try {
    return await client.sendCommand(["EVALSHA", sha, ...rest]).catch((error: unknown) => {
      if (!isReply(error, "NOSCRIPT")) throw error;
      return client.sendCommand(["EVAL", source, ...rest]);
    });
  } catch (error) {
    throw redirectionOf(error)?.kind === "ASK" ? unavailable("moves the keys to another node") : error;
  }
}

function scriptOf(source: string): Script {
  return { source, sha: createHash("sha1").update(source).digest("hex") };
}

function read(name: string): string {
  return readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), "utf8");
}
