import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";

/** Where a request came from. A client can write what it wants into `X-Forwarded-For`, so only trusted proxies are believed. */
export class ClientAddress {
  readonly #trusted = new BlockList();

  /** IP addresses and CIDR ranges; none: `X-Forwarded-For` counts for nothing. */
  constructor(trustedProxies: readonly string[]) {
    for (const proxy of trustedProxies) {
      const [address = "", bits] = proxy.split("/");
      if (bits === undefined) this.#trusted.addAddress(address, familyOf(address));
      else this.#trusted.addSubnet(address, Number(bits), familyOf(address));
    }
  }

  /**
   * The last hop that is no trusted proxy: from the socket's other end leftwards through `X-Forwarded-For`, to which each
   * proxy has added whom it was asked by. What is no address ends the walk. null: the connection is gone already.
   */
  of({ socket, headers }: Pick<IncomingMessage, "socket" | "headers">): string | null {
    let address = addressIn(socket.remoteAddress ?? "");
    if (address === null) return null;
    const said = headers["x-forwarded-for"];
    const hops = (Array.isArray(said) ? said.join(",") : (said ?? "")).split(",");
    while (this.#isTrusted(address)) {
      const before = addressIn(hops.pop() ?? "");
      if (before === null) break;
      address = before;
    }
    return address;
  }

  #isTrusted(address: string): boolean {
    return this.#trusted.check(address, familyOf(address));
  }
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 6 ? "ipv6" : "ipv4";
}

/** Without what some add to it: a port, brackets, IPv6's way to write IPv4. null: it is none. */
function addressIn(text: string): string | null {
  const bare = text
    .trim()
    .replace(/^\[([^\]]*)\](:\d+)?$/, "$1")
    .replace(/^([\d.]+):\d+$/, "$1")
    .replace(/^::ffff:([\d.]+)$/i, "$1");
  return isIP(bare) === 0 ? null : bare;
}
