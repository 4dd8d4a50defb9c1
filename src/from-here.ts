import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { HubError } from "./errors.ts";

/** What proxies add of their own accord, or of their usual configuration. */
const PASSED_ON = [
  ...["forwarded", "via", "x-real-ip"],
  ...["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"],
] as const;

/**
 * From this machine, and to it by name: a page of somebody else's, whose name was made to lead here (DNS rebinding), would
 * else read a secret as its own. Nor by way of a proxy, which would speak for anybody. Throws HubError `not_found`.
 */
export function assertFromHere({ socket, headers }: Pick<IncomingMessage, "socket" | "headers">): void {
  const hostname = hostnameOf(headers.host ?? "");
  const isOwnName = hostname === "localhost" || isLoopback(hostname.replace(/^\[|\]$/g, ""));
  const isPassedOn = PASSED_ON.some((name) => headers[name] !== undefined);
  if (!isOwnName || isPassedOn || !isLoopback(socket.remoteAddress ?? "")) throw new HubError("not_found");
}

/** Empty where the header is none that a URL can have. */
function hostnameOf(host: string): string {
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : "";
}

function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:/, "");
  return plain === "::1" || (isIP(plain) === 4 && plain.startsWith("127."));
}
