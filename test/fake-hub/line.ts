import type { IncomingMessage, ServerResponse } from "node:http";

export type Way = "websocket" | "sse" | "polling";

/** What somebody came with. */
export interface Asked {
  readonly way: Way;
  readonly token: string | null;
  readonly jobId: string | null;
  readonly lastEventId: string | null;
  /** A poll that is to be held until there is news. */
  readonly waits: boolean;
  /** Of performance.now(). */
  readonly atMs: number;
}

export interface Refusal {
  /** As the hub refuses, with a problem; absent: as a proxy does, with a page. */
  readonly code?: string;
  readonly retryAfter?: string;
}

/** One WebSocket, stream or poll, of which a test plays the hub's part. */
export interface FakeLine {
  readonly asked: Asked;
  /** What the client sent. */
  readonly heard: readonly string[];
  /** Nobody is at the other end any more, or the hub has left. */
  readonly isOver: boolean;
  /** Answers by HTTP, and opens nothing. Of a status below 300 the answer is a page, too. */
  refuse(status: number, refusal?: Refusal): void;
  /** To who polls, `synced` is the end of the answer. */
  say(...messages: readonly object[]): void;
  /** What a client can't read. To who polls it is all of the answer. */
  garble(text: string): void;
  /** Half of the message, and the connection is gone. */
  cutWithin(message: object): void;
  /** As the hub ends; by code and reason where it is a WebSocket. */
  end(code?: number, reason?: string): void;
  /** Without a word. */
  cut(): void;
}

const PAGE = "<!doctype html><title>a proxy's page</title>";

export function bodyOf({ code }: Refusal, status: number): readonly [type: string, body: string] {
  if (code === undefined) return ["text/html", PAGE];
  return ["application/problem+json", JSON.stringify({ status, code, title: code })];
}

export function refuseBy(response: ServerResponse, status: number, refusal: Refusal): void {
  const [type, body] = bodyOf(refusal, status);
  if (refusal.retryAfter !== undefined) response.setHeader("Retry-After", refusal.retryAfter);
  if (status === 204) response.writeHead(204).end();
  else response.writeHead(status, { "Content-Type": type }).end(body);
}

export function tokenOf({ headers }: IncomingMessage): string | null {
  const [, token] =
    /bearer[ .]([^, ]+)/i.exec(`${headers.authorization ?? ""} ${headers["sec-websocket-protocol"] ?? ""}`) ??
    [];
  return token ?? null;
}

/** Up to the midst of it. */
export function halfOf(text: string): string {
  return text.slice(0, Math.floor(text.length / 2));
}
