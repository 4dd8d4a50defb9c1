import jsonwebtoken from "jsonwebtoken";

/** Longer than any run. */
const TTL = "6h";

/** What a client of that user connects with: a JWT of HS256. */
export function tokenFor(userId: string, jwtSecret: string): string {
  return jsonwebtoken.sign({}, jwtSecret, { subject: userId, expiresIn: TTL });
}
