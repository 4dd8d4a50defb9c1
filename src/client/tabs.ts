import { onFreeze } from "./environment.ts";
import { userOfToken } from "./user-of-token.ts";

/** The part of a BroadcastChannel that is used. What is posted comes to all others of its name, never to itself. */
export interface TabChannel {
  onmessage: ((event: never) => void) | null;
  postMessage(data: unknown): void;
  close(): void;
}

/** The part of the Web Locks API that is used: `held` is called when the lock is ours, until its promise is settled. */
export interface TabLocks {
  request(
    name: string,
    options: { readonly signal?: AbortSignal; readonly steal?: boolean },
    held: () => Promise<void>,
  ): Promise<unknown>;
}

/** What tabs of one browser have in common, and how one of them falls asleep. */
export interface Tabs {
  channel(name: string): TabChannel;
  readonly locks: TabLocks;
  onFreeze(frozen: () => void, thawed: () => void): () => void;
}

interface Globals {
  readonly BroadcastChannel?: new (name: string) => TabChannel;
  readonly navigator?: { readonly locks?: TabLocks };
}

/** null: there is nothing here by which tabs could come to terms, as in a page without TLS. */
export function tabsHere(): Tabs | null {
  const { BroadcastChannel, navigator } = globalThis as Globals;
  const locks = navigator?.locks;
  if (BroadcastChannel === undefined || locks === undefined) return null;
  return { channel: (name) => new BroadcastChannel(name), locks, onFreeze };
}

type Ask = () => string | Promise<string>;

export interface OneUser {
  /** Tells users apart; null: nobody knows whose the token is. */
  readonly user: Promise<string | null>;
  /** Rejects where it is another user's: what it would bring is not for the others. */
  readonly token: () => Promise<string>;
}

/** The first token, which was asked for to know whose it is, is good for the connection that begins with it. */
const FRESH_MS = 5_000;

export function tokensOfOneUser(ask: Ask): OneUser {
  const askedAtMs = Date.now();
  let first: Promise<string> | null = Promise.resolve().then(ask);
  const keyOf = (token: string): string => JSON.stringify(userOfToken(token));
  const user = first.then(
    (token) => (userOfToken(token) === null ? null : keyOf(token)),
    () => null,
  );
  return {
    user,
    token: async () => {
      const kept = Date.now() - askedAtMs < FRESH_MS ? first : null;
      first = null;
      const token = await (kept ?? ask());
      const whose = await user;
      // One that can't be read is for the hub to refuse.
      const isReadable = userOfToken(token) !== null;
      if (whose !== null && isReadable && keyOf(token) !== whose)
        throw new Error("the token is another user's");
      return token;
    },
  };
}
