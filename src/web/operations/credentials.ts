import { devSession, KeptToken } from "../kept-token.ts";

const kept = new KeptToken("progress-hub.admin-token");

export interface AdminToken {
  /** `dev`: the hub of `--dev` gave it. */
  readonly kind: "dev" | "pasted";
  readonly token: string;
}

export function pasted(token: string): AdminToken {
  kept.set(token);
  return { kind: "pasted", token };
}

export function forget(): void {
  kept.set(null);
}

/** Of this tab, or of a hub with `--dev`; null: somebody has to sign in. */
export async function findToken(): Promise<AdminToken | null> {
  const token = kept.get();
  return token === null ? devToken() : pasted(token);
}

/** null: the hub is no `--dev` hub, or not of this machine. */
export async function devToken(): Promise<AdminToken | null> {
  const session = await devSession();
  const hasToken = typeof session === "object" && session !== null && "adminToken" in session;
  return hasToken ? { kind: "dev", token: String(session.adminToken) } : null;
}
