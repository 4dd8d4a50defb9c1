import { type AddressInfo, connect } from "node:net";
import fastify, { type FastifyInstance } from "fastify";
import jsonwebtoken from "jsonwebtoken";
import { createVerifier } from "../../src/auth/verify.ts";
import type { DomainEvent } from "../../src/domain/events.ts";
import { systemClock } from "../../src/engine/clock.ts";
import type { Engine } from "../../src/engine/contract.ts";
import { ResidentStore } from "../../src/engine/resident/store.ts";
import type { IngestCounts } from "../../src/ingest/event-counts.ts";
import { type IngestOptions, registerIngest } from "../../src/ingest/http.ts";
import { installProblemErrors, problemServerOptions } from "../../src/ingest/problems.ts";

export const SECRET = "ingest-secret-0123456789-0123456789";
export const JWT_SECRET = "jwt-secret-0123456789-0123456789-01";
export const MAX_BODY_BYTES = 4 * 1024 * 1024;
export const EVENTS = "/api/v1/events";
export const TUSD = "/api/v1/hooks/tusd";
export const BATCH = "application/cloudevents-batch+json";
export const STRUCTURED = "application/cloudevents+json";

export interface IngestServer {
  readonly app: FastifyInstance;
  readonly origin: string;
  readonly port: number;
  /** Everything that was published, in order. */
  readonly published: DomainEvent[];
  readonly counts: IngestCounts;
  draining: boolean;
  close(): Promise<void>;
}

const acceptAll: Engine["publish"] = async (events) => ({
  accepted: events.length,
  unchanged: 0,
  unchangedAt: [],
  rejected: [],
});

/** A listening server with the ingest routes; `answer` stands for the engine, which is the boundary here. */
export async function startIngest(
  answer: Engine["publish"] = acceptAll,
  tusd: Partial<IngestOptions["tusd"]> = {},
): Promise<IngestServer> {
  const app = fastify(problemServerOptions);
  const published: DomainEvent[] = [];
  const verify = createVerifier({
    jwtSecret: [JWT_SECRET],
    jwtPublicKey: null,
    jwksUrl: null,
    jwtAlgorithms: null,
    jwtIssuer: null,
    jwtAudience: null,
    jwtUserClaim: "sub",
  });
  installProblemErrors(app);
  const counts = registerIngest(app, {
    publish: (events) => {
      published.push(...events);
      return answer(events);
    },
    ingestTokens: ["an-older-secret-0123456789-0123456789", SECRET],
    maxBodyBytes: MAX_BODY_BYTES,
    maxBatch: 10_000,
    isDraining: () => server.draining,
    tusd: { owner: "jwt", verify, owners: memoryStore(), ...tusd },
  });
  const server = { app, origin: "", port: 0, published, counts, draining: false, close: () => app.close() };
  // Shows that the raw body reading stays with the ingest routes.
  app.post("/other", async (request) => ({ got: request.body }));
  server.origin = await app.listen({ host: "127.0.0.1", port: 0 });
  server.port = portOf(app);
  return server;
}

export function memoryStore(): ResidentStore {
  return new ResidentStore({
    clock: systemClock,
    retentionMs: 60_000,
    maxJobsPerUser: 1_000,
    startMs: Date.now(),
    disk: null,
  });
}

export function tokenOf(userId: string, expiresIn = 3_600, secret = JWT_SECRET): string {
  return jsonwebtoken.sign({}, secret, { subject: userId, expiresIn });
}

export function photoEvent(id: string, data: object = {}, type = "photo.upload.progressed") {
  return {
    specversion: "1.0",
    id,
    source: "/test",
    type,
    data: { jobId: "job", photoId: "photo", userId: "u", bytesTransferred: 1, ...data },
  };
}

export function post(
  server: IngestServer,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(server.origin + EVENTS, {
    method: "POST",
    headers: { authorization: `Bearer ${SECRET}`, "content-type": BATCH, ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

/** Writes raw bytes on one connection and gives everything answered until the server or `done` ends it. */
export async function rawExchange(
  port: number,
  write: (send: (bytes: string | Buffer) => Promise<void>) => Promise<void>,
  done: (received: string) => boolean,
): Promise<{ received: string; error: string | null }> {
  const socket = connect({ host: "127.0.0.1", port });
  let received = "";
  let error: string | null = null;
  const finished = new Promise<void>((resolve) => {
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
      if (done(received)) resolve();
    });
    socket.on("error", (cause) => {
      error = cause.message;
    });
    socket.on("close", () => resolve());
  });
  const send = (bytes: string | Buffer) =>
    new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
  try {
    await write(send);
    await finished;
    return { received, error };
  } finally {
    socket.destroy();
  }
}

function portOf(app: FastifyInstance): number {
  const address: AddressInfo | string | null = app.server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  return address.port;
}
