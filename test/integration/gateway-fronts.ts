import { once } from "node:events";
import { Agent, createServer as createHttpServer, request as httpRequest } from "node:http";
import { connect, createServer, type Server, type Socket } from "node:net";

/** Something in front of several gateways that knows of no sessions. */
export interface Front {
  readonly url: string;
  /** Leaves out the gateway with the port from now on, or takes it in again. */
  without(port: number): void;
  with(port: number): void;
  close(): Promise<void>;
}

/** Each new TCP connection goes to the next gateway, as the kernel or node's cluster does it. */
export async function frontByConnection(ports: readonly number[]): Promise<Front> {
  const turn = turnsOf(ports);
  const server = createServer({ noDelay: true }, (client) => joined(client, turn.next()));
  return started(server, turn);
}

/** Each request goes to the next gateway, also those of one connection, over connections that sessions share. */
export function frontByRequest(ports: readonly number[]): Promise<Front> {
  return requestFront(ports, () => -1);
}

/** The same, and to another gateway than that with the session, where there is one; `ports` are those of the tags 1, 2 and so on. */
export function frontElsewhere(ports: readonly number[]): Promise<Front> {
  return requestFront(ports, (url) => Number(/[?&]sid=(\d+)\./.exec(url)?.[1] ?? 0) - 1);
}

async function requestFront(ports: readonly number[], indexToAvoid: (url: string) => number): Promise<Front> {
  const turn = turnsOf(ports);
  const agent = new Agent({ keepAlive: true });
  const server = createHttpServer((request, response) => {
    const { method, url = "/", rawHeaders } = request;
    const port = turn.next(indexToAvoid(url));
    const target = { host: "127.0.0.1", port, agent, method, path: url, headers: rawHeaders };
    const upstream = httpRequest(target);
    upstream.on("response", (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    });
    upstream.on("error", () => response.destroy());
    response.on("close", () => upstream.destroy());
    request.pipe(upstream);
  });
  server.on("upgrade", ({ method, url = "/", rawHeaders }, client: Socket, head: Buffer) => {
    const upstream = joined(client, turn.next(indexToAvoid(url)));
    const words = rawHeaders.map((word, index) => word + (index % 2 === 0 ? ": " : "\r\n"));
    upstream.write(`${method} ${url} HTTP/1.1\r\n${words.join("")}\r\n`);
    upstream.write(head);
  });
  return started(server, turn, () => agent.destroy());
}

function joined(client: Socket, port: number): Socket {
  const upstream = connect({ port, host: "127.0.0.1", noDelay: true });
  client.pipe(upstream).pipe(client);
  for (const [socket, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    socket.on("error", () => {});
    socket.on("close", () => other.destroy());
  }
  return upstream;
}

function turnsOf(ports: readonly number[]) {
  const here = new Set(ports);
  let at = 0;
  return {
    next(indexToAvoid = -1): number {
      do at = (at + 1) % ports.length;
      while (!here.has(ports[at] ?? 0) || (at === indexToAvoid && here.size > 1));
      return ports[at] ?? 0;
    },
    without: (port: number) => void here.delete(port),
    with: (port: number) => void here.add(port),
  };
}

async function started(server: Server, turn: ReturnType<typeof turnsOf>, onClose = () => {}): Promise<Front> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a front listens on a port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    without: turn.without,
    with: turn.with,
    async close() {
      onClose();
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
