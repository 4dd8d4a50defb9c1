import { userOfToken } from "../../client/user-of-token.ts";

/** Who looks, and where the token of each connection comes from. */
export interface Credentials {
  readonly userId: string;
  /** `dev`: the hub of `--dev` gives a fresh one each time. */
  readonly kind: "dev" | "pasted";
  readonly token: () => Promise<string>;
}

const KEPT = "progress-hub.token";

/** Of this tab alone, and gone with it: a reload keeps the user signed in. */
export function pasted(token: string): Credentials {
  sessionStorage.setItem(KEPT, token);
  return { userId: userOfToken(token)?.[1] ?? "you", kind: "pasted", token: async () => token };
}

export function forget(): void {
  sessionStorage.removeItem(KEPT);
}

/** Of a link `/#token=...`, of this tab, or of a hub with `--dev`; null: somebody has to sign in. */
export async function findCredentials(): Promise<Credentials | null> {
  const linked = new URLSearchParams(location.hash.slice(1)).get("token");
  // Not left in the address, which people copy and show.
  if (linked !== null) history.replaceState(null, "", location.pathname + location.search);
  const token = linked ?? sessionStorage.getItem(KEPT);
  if (token !== null && token !== "") return pasted(token);
  const session = await devSession();
  return session === null ? null : { userId: session.userId, kind: "dev", token: devToken };
}

/** Rejects while there is no hub: the connection then asks again. */
async function devToken(): Promise<string> {
  const session = await devSession();
  if (session === null) throw new Error("the hub gives no token");
  return session.token;
}

interface DevSession {
  readonly userId: string;
  readonly token: string;
}

/** null: the hub is no `--dev` hub, or not of this machine. */
async function devSession(): Promise<DevSession | null> {
  const response = await fetch("/dev/session");
  return response.ok ? ((await response.json()) as DevSession) : null;
}
