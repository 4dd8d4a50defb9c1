type Claims = Readonly<Record<string, unknown>>;

/** What a JWT says of itself (RFC 7519); null: none that can be read. What a token is worth the hub knows. */
export function claimsOf(token: string): Claims | null {
  try {
    const payload = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === "object" && claims !== null ? (claims as Claims) : null;
  } catch {
    return null;
  }
}

/** Whose token it is, by its issuer and subject; null: no JWT that can be read, or without a subject. Only to tell users apart. */
export function userOfToken(token: string): readonly [issuer: string, subject: string] | null {
  const { sub, iss } = claimsOf(token) ?? {};
  return sub === undefined ? null : [iss === undefined ? "" : String(iss), String(sub)];
}
