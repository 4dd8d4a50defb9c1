import { join } from "node:path";

/** The gateways of one machine, as one of them sees them. */
export interface Peers {
  /** 1 to 9 digits, of this gateway process and no other one that this hub ever started. */
  readonly ownTag: string;
  /** The Unix socket of the gateway with the tag, whether or not it is there. Throws RangeError for what is no tag. */
  socketPathOf(tag: string): string;
}

const TAG = /^\d{1,9}$/;
/** Tag, dot, and the id as engine.io makes it. Whatever else a client sends is no session of ours. */
const SESSION_ID = /^(\d{1,9})\.[\w-]{1,64}$/;
/** `sun_path` less its end, on the system with the shortest (macOS); a longer one may be cut without a word. */
const MAX_PATH_BYTES = 103;

/** Sockets `gateway-<tag>.sock` in the directory, which must be there and be nobody else's. Throws RangeError. */
export function createPeers(directory: string, ownTag: string): Peers {
  const socketPathOf = (tag: string) => {
    if (!TAG.test(tag)) throw new RangeError(`a gateway's tag is 1 to 9 digits, not ${JSON.stringify(tag)}`);
    return join(directory, `gateway-${tag}.sock`);
  };
  const longest = socketPathOf("9".repeat(9));
  if (Buffer.byteLength(longest) > MAX_PATH_BYTES) {
    throw new RangeError(`${longest} is too long for a Unix socket: choose a directory with a shorter path`);
  }
  socketPathOf(ownTag);
  return { ownTag, socketPathOf };
}

export function sessionIdOf(tag: string, engineId: string): string {
  return `${tag}.${engineId}`;
}

/** The gateway named in a session id, which is the client's word; null: none. */
export function tagOf(sessionId: string): string | null {
  return SESSION_ID.exec(sessionId)?.[1] ?? null;
}
