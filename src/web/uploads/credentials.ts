import { claimsOf } from "../../client/user-of-token.ts";
import { devSession, KeptToken } from "../kept-token.ts";

/** Who looks, and where the token of each connection comes from. */
export interface Credentials {
  /** As it is shown. */
  readonly userId: string;
  /** Tells users apart, whichever claim the hub takes the user from. */
  readonly key: string;
  /** `dev`: the hub of `--dev` gives a fresh one each time. */
  readonly kind: "dev" | "pasted";
  readonly token: () => Promise<string>;
}

const kept = new KeptToken("progress-hub.token");
/** They differ from one token of a user to the next. */
const OF_THE_TOKEN: readonly string[] = ["exp", "iat", "nbf", "jti", "auth_time"];

export function pasted(token: string): Credentials {
  kept.set(token);
  const claims = Object.entries(claimsOf(token) ?? {}).filter(([name]) => !OF_THE_TOKEN.includes(name));
  const { sub } = Object.fromEntries(claims);
  return {
    userId: sub === undefined ? "you" : String(sub),
    // What can't be read is nobody else's.
    key:
      claims.length === 0 ? token : JSON.stringify(claims.sort(([one], [other]) => (one < other ? -1 : 1))),
    kind: "pasted",
    token: async () => token,
  };
}

export function forget(): void {
  kept.set(null);
}

/** Of a link `/#token=...`; null: there is none. Not left in the address, which people copy and show. */
export function takeLinked(): Credentials | null {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token === null || token === "") return null;
  history.replaceState(null, "", location.pathname + location.search);
  return pasted(token);
}

/** Of a link, of this tab, or of a hub with `--dev`; null: somebody has to sign in. */
export async function findCredentials(): Promise<Credentials | null> {
  const linked = takeLinked();
  if (linked !== null) return linked;
  const token = kept.get();
  if (token !== null) return pasted(token);
  const session = await demoSession();
  if (session === null) return null;
  const { userId } = session;
  return { userId, key: `dev ${userId}`, kind: "dev", token: devToken };
}

/** Rejects while there is no hub: the connection then asks again. */
async function devToken(): Promise<string> {
  const session = await demoSession();
  if (session === null) throw new Error("the hub gives no token");
  return session.token;
}

interface DemoSession {
  readonly userId: string;
  readonly token: string;
}

const demoSession = async (): Promise<DemoSession | null> => (await devSession()) as DemoSession | null;
