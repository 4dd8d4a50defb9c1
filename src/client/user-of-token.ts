/**
 * Whose token it is, by its issuer and subject (RFC 7519, 4.1.1 and 4.1.2); null: no JWT that can be read, or without a
 * subject. Only to tell users apart: what a token is worth the hub knows.
 */
export function userOfToken(token: string): readonly [issuer: string, subject: string] | null {
  try {
    const payload = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof claims !== "object" || claims === null || !("sub" in claims)) return null;
    return ["iss" in claims ? String(claims.iss) : "", String(claims.sub)];
  } catch {
    return null;
  }
}
