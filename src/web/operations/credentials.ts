const KEPT = "progress-hub.admin-token";

export interface AdminToken {
  /** `dev`: the hub of `--dev` gave it. */
  readonly kind: "dev" | "pasted";
  readonly token: string;
}

/** Of this tab alone, and gone with it: a reload keeps the operator signed in. */
export function pasted(token: string): AdminToken {
  sessionStorage.setItem(KEPT, token);
  return { kind: "pasted", token };
}

export function forget(): void {
  sessionStorage.removeItem(KEPT);
}

/** Of this tab, or of a hub with `--dev`; null: somebody has to sign in. */
export async function findToken(): Promise<AdminToken | null> {
  const token = sessionStorage.getItem(KEPT);
  return token === null ? devToken() : pasted(token);
}

/** null: the hub is no `--dev` hub, or not of this machine. */
export async function devToken(): Promise<AdminToken | null> {
  const response = await fetch("/dev/session");
  const session: unknown = response.ok ? await response.json() : null;
  const hasToken = typeof session === "object" && session !== null && "adminToken" in session;
  return hasToken ? { kind: "dev", token: String(session.adminToken) } : null;
}
