import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface SentEvent {
  readonly specversion: string;
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly time: string;
  readonly jobscope?: string;
  readonly data: Readonly<Record<string, unknown>>;
}

interface ReceivedBatch {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly events: readonly SentEvent[];
  readonly atMs: number;
}

/** Answers one request. The default accepts everything. */
export type Step = (batch: ReceivedBatch, response: ServerResponse) => void;

export interface ScriptedHub {
  readonly url: string;
  readonly batches: readonly ReceivedBatch[];
  /** Events of requests that were answered with 200 or 422, without those the answer rejects. */
  readonly accepted: readonly SentEvent[];
  readonly connections: number;
  /** Most requests that were open at once. */
  readonly mostAtOnce: number;
  /** Answers of the next requests; after them everything is accepted. */
  script(...steps: readonly Step[]): void;
  close(): Promise<void>;
}

/** A real HTTP server in the place of a hub's internal listener, with scripted answers. */
export async function startScriptedHub(): Promise<ScriptedHub> {
  const batches: ReceivedBatch[] = [];
  const accepted: SentEvent[] = [];
  const steps: Step[] = [];
  let connections = 0;
  let open = 0;
  let mostAtOnce = 0;

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    open += 1;
    mostAtOnce = Math.max(mostAtOnce, open);
    response.on("close", () => {
      open -= 1;
    });
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const events: SentEvent[] = JSON.parse(Buffer.concat(chunks).toString());
      const batch = { path: request.url ?? "", headers: request.headers, events, atMs: performance.now() };
      batches.push(batch);
      const step = steps.shift() ?? accept;
      const end = response.end.bind(response);
      Object.assign(response, {
        end: (text?: string) => {
          const rejected =
            response.statusCode === 200 || response.statusCode === 422 ? indexesOf(text) : null;
          if (rejected !== null) accepted.push(...events.filter((_, index) => !rejected.has(index)));
          return end(text);
        },
      });
      step(batch, response);
    });
  });
  server.on("connection", () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port }: AddressInfo = addressOf(server.address());

  return {
    url: `http://127.0.0.1:${port}`,
    batches,
    accepted,
    get connections() {
      return connections;
    },
    get mostAtOnce() {
      return mostAtOnce;
    },
    script: (...more) => {
      steps.push(...more);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export const accept: Step = (batch, response) => reject(() => null)(batch, response);

/** Rejects the events for which `codeOf` gives a code, as the hub does. */
export function reject(codeOf: (event: SentEvent, index: number) => string | null): Step {
  return (batch, response) => {
    const rejected = batch.events.flatMap((event, index) => {
      const code = codeOf(event, index);
      return code === null ? [] : [{ index, id: event.id, code, message: `rejected: ${code}` }];
    });
    const all = batch.events.length > 0 && rejected.length === batch.events.length;
    answer(all ? 422 : 200, { accepted: batch.events.length - rejected.length, unchanged: 0, rejected })(
      batch,
      response,
    );
  };
}

export function problem(status: number, code: string, headers: Record<string, string> = {}): Step {
  return answer(status, { type: "about:blank", status, code, detail: `scripted ${code}` }, headers);
}

export function answer(status: number, body: unknown, headers: Record<string, string> = {}): Step {
  return (_batch, response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(body));
  };
}

/** Cuts the connection without an answer. */
export const reset: Step = (_batch, response) => {
  response.socket?.resetAndDestroy();
};

/** Takes the request and never answers. */
export const silence: Step = () => {};

function indexesOf(text: string | undefined): Set<number> | null {
  const body: { rejected?: { index: number }[] } = JSON.parse(text ?? "null") ?? {};
  return body.rejected === undefined ? null : new Set(body.rejected.map(({ index }) => index));
}

function addressOf(address: AddressInfo | string | null): AddressInfo {
  if (address === null || typeof address === "string") throw new Error("not listening on a port");
  return address;
}
