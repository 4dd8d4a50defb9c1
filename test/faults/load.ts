import { once } from "node:events";
import { Agent, get, type IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import { tokenFor } from "./cluster.ts";

// Connections that cost next to nothing here, for measuring the hub: what comes is counted, and not looked into.

export interface Load {
  /** Bytes of messages so far. */
  readonly bytes: number;
  close(): void;
}

type Connect = (publicUrl: string, token: string, take: (bytes: number) => void) => Promise<() => void>;

const webSocket: Connect = async (publicUrl, token, take) => {
  const url = `${publicUrl.replace("http", "ws")}/ws/upload-progress?access_token=${token}`;
  const client = new WebSocket(url, { perMessageDeflate: false });
  client.on("message", (data) => take(lengthOf(data)));
  await Promise.race([once(client, "open"), refusalOf(client)]);
  return () => client.terminate();
};

const socketIo: Connect = async (publicUrl, token, take) => {
  const url = `${publicUrl.replace("http", "ws")}/ws/upload-progress/?EIO=4&transport=websocket`;
  const client = new WebSocket(url, { perMessageDeflate: false });
  const connected = new Promise<void>((resolve) => {
    client.on("message", (data) => {
      const text = String(data);
      if (text.startsWith("40")) resolve();
      else if (text.startsWith("0")) client.send(`40${JSON.stringify({ token })}`);
      else if (text === "2") client.send("3");
      else take(text.length);
    });
  });
  await Promise.race([connected, refusalOf(client)]);
  return () => client.terminate();
};

/** Rejects with what a hub that lets nobody in says of it; never resolves. */
function refusalOf(client: WebSocket): Promise<never> {
  return new Promise((_, reject) => {
    client.on("error", reject);
    client.once("unexpected-response", (_request, response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("end", () => reject(new Error(`refused: ${response.statusCode} ${body}`)));
    });
  });
}

const streams = new Agent({ maxSockets: Number.POSITIVE_INFINITY });

const sse: Connect = async (publicUrl, token, take) => {
  const headers = { authorization: `Bearer ${token}`, accept: "text/event-stream" };
  const request = get(`${publicUrl}/api/v1/upload-progress`, { agent: streams, headers });
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request.once("error", reject).once("response", resolve);
  });
  if (response.statusCode !== 200) throw new Error(`SSE: ${response.statusCode}`);
  request.on("error", () => undefined);
  response.on("error", () => undefined);
  response.on("data", (chunk: Buffer) => take(chunk.length));
  return () => request.destroy();
};

const WAYS = [socketIo, webSocket, sse] as const;

/** So many connections, each of a user of its own, `load-0` and on. */
export async function connectLoad(publicUrl: string, connections: number): Promise<Load> {
  let bytes = 0;
  const take = (more: number): void => {
    bytes += more;
  };
  const closes: (() => void)[] = [];
  for (let index = 0; index < connections; index += 1) {
    const connect = WAYS[index % WAYS.length] ?? sse;
    closes.push(await connect(publicUrl, tokenFor(`load-${index}`), take));
  }
  return {
    get bytes() {
      return bytes;
    },
    close() {
      for (const close of closes) close();
    },
  };
}

function lengthOf(data: Buffer | ArrayBuffer | readonly Buffer[]): number {
  return "byteLength" in data ? data.byteLength : data.length;
}
