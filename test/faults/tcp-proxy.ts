import { connect, createServer, type Socket } from "node:net";

// Between a hub and its Redis, or between clients and several hubs: what befalls a network.

export interface TcpProxy {
  readonly port: number;
  /** Ends all connections, and takes no more until `mend`. */
  cut(): void;
  mend(): void;
  /** Connections stay, and nothing comes through them any more, nor through new ones, until they are cut and it is mended. */
  freeze(): void;
  /** Pushes of subscriptions (RESP 3) are swallowed from now on, and nobody notices; connections stay. */
  swallowPushes(isOn: boolean): void;
  /** Pushes swallowed so far. */
  readonly swallowed: number;
  close(): void;
}

const proxies = new Set<TcpProxy>();

/** For `afterEach`. */
export function closeProxies(): void {
  for (const proxy of proxies) proxy.close();
  proxies.clear();
}

/** Each connection goes to the next of the targets, ports of 127.0.0.1, that takes it. */
export async function startProxy(...targets: readonly number[]): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let [isCut, isFrozen, isSwallowing, swallowed, next] = [false, false, false, 0, 0];

  const keep = (socket: Socket, other: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => {
      sockets.delete(socket);
      other.destroy();
    });
  };
  const serve = (client: Socket, attempt: number): void => {
    const port = targets[next % targets.length] ?? 0;
    next += 1;
    const target = connect({ port, host: "127.0.0.1", noDelay: true });
    target.once("error", () => {
      if (attempt < targets.length) serve(client, attempt + 1);
      else client.destroy();
    });
    target.once("connect", () => {
      keep(target, client);
      keep(client, target);
      client.on("data", (chunk) => target.write(chunk));
      const pushes = pushFilter(() => {
        if (isSwallowing) swallowed += 1;
        return isSwallowing;
      });
      target.on("data", (chunk) => client.write(pushes(chunk)));
      client.resume();
    });
  };
  const server = createServer({ noDelay: true, pauseOnConnect: true }, (client) => {
    client.on("error", () => undefined);
    if (isCut) client.destroy();
    else if (isFrozen) sockets.add(client);
    else serve(client, 1);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const drop = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const proxy: TcpProxy = {
    port: typeof address === "object" && address !== null ? address.port : 0,
    cut() {
      isCut = true;
      drop();
    },
    mend() {
      isCut = false;
      isFrozen = false;
    },
    freeze() {
      isFrozen = true;
      for (const socket of sockets) socket.pause();
    },
    swallowPushes(isOn) {
      isSwallowing = isOn;
    },
    get swallowed() {
      return swallowed;
    },
    close() {
      server.close();
      drop();
    },
  };
  proxies.add(proxy);
  return proxy;
}

const PUSH = Buffer.from(">3\r\n$8\r\nsmessage\r\n");

/** Takes whole pushes of messages out of what comes, where `isUnwanted`; what comes in parts is put together again. */
function pushFilter(isUnwanted: () => boolean): (chunk: Buffer) => Buffer {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    // Other connections, and answers, are none of its business.
    if (rest.length === 0 && chunk[0] !== PUSH[0]) return chunk;
    let left = Buffer.concat([rest, chunk]);
    const out: Buffer[] = [];
    while (left.length > 0) {
      const size = left.subarray(0, PUSH.length).equals(PUSH) ? sizeOfPush(left) : left.length;
      if (size === null) break;
      if (!left.subarray(0, PUSH.length).equals(PUSH) || !isUnwanted()) out.push(left.subarray(0, size));
      left = left.subarray(size);
    }
    rest = Buffer.from(left);
    return Buffer.concat(out);
  };
}

/** null: it has not come whole. */
function sizeOfPush(bytes: Buffer): number | null {
  let at = PUSH.length;
  for (let part = 0; part < 2; part += 1) {
    const end = bytes.indexOf("\r\n", at);
    if (end < 0) return null;
    at = end + 2 + Number(bytes.subarray(at + 1, end)) + 2;
  }
  return at <= bytes.length ? at : null;
}
