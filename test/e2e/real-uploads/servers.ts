import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { FileStore } from "@tus/file-store";
import { Server } from "@tus/server";
import jsonwebtoken from "jsonwebtoken";
import { attachTusServer, createPublisher } from "../../../src/index.ts";
import { INGEST_TOKEN, JWT_SECRET, type TestHub } from "../../hub.ts";

/** Something real that takes tus uploads and tells the hub. */
export interface UploadServer {
  readonly endpoint: string;
  pathOf(uploadId: string): string;
  close(): Promise<void>;
}

/** @tus/server on Node's HTTP server, with files in `directory`, attached to the hub. */
export async function startTusNode(hub: TestHub, directory: string): Promise<UploadServer> {
  const tus = new Server({
    path: "/files",
    datastore: new FileStore({ directory }),
    postReceiveInterval: 30,
    relativeLocation: true,
  });
  const problems: unknown[] = [];
  const publisher = createPublisher({
    url: hub.internalUrl,
    token: INGEST_TOKEN,
    onError: (error) => problems.push(error),
  });
  const detach = attachTusServer(tus, publisher, {
    userId: (request) => subjectOf(request.headers.get("authorization")),
    onError: (error) => problems.push(error),
  });
  const server = createServer((request, response) => {
    void tus.handle(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening on a port");
  return {
    endpoint: `http://127.0.0.1:${address.port}/files`,
    pathOf: (uploadId) => join(directory, uploadId),
    async close() {
      detach();
      await publisher.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      if (problems.length > 0) throw new AggregateError(problems, "the publisher had problems");
    },
  };
}

/** The subject of a token that is valid now. */
function subjectOf(header: string | null): string {
  const claims = jsonwebtoken.verify(header?.replace("Bearer ", "") ?? "", JWT_SECRET, {
    algorithms: ["HS256"],
  });
  if (typeof claims === "string" || claims.sub === undefined) throw new Error("a token without a subject");
  return claims.sub;
}

/** null: there is no tusd on this machine. */
export function tusdVersion(): string | null {
  const { status, stdout } = spawnSync("tusd", ["-version"], { encoding: "utf8" });
  return status === 0 ? stdout.split("\n", 1).join("") : null;
}

/** tusd with its HTTP hooks pointed at the hub. */
export async function startTusd(hub: TestHub, directory: string): Promise<UploadServer> {
  const port = await freePort();
  const hook = new URL("/api/v1/hooks/tusd", hub.internalUrl);
  hook.searchParams.set("access_token", INGEST_TOKEN);
  const child: ChildProcess = spawn(
    "tusd",
    [
      ["-host", "127.0.0.1"],
      ["-port", String(port)],
      ["-upload-dir", directory],
      ["-hooks-http", hook.href],
      ["-hooks-http-forward-headers", "Authorization"],
      ["-hooks-enabled-events", "post-create,post-receive,post-finish,post-terminate"],
      ["-progress-hooks-interval", "50ms"],
    ].flat(),
    { stdio: "ignore" },
  );
  const exited = once(child, "exit");
  const endpoint = `http://127.0.0.1:${port}/files/`;
  const deadlineMs = performance.now() + 10_000;
  while (!(await answers(endpoint))) {
    if (child.exitCode !== null) throw new Error(`tusd ended with ${child.exitCode}`);
    if (performance.now() > deadlineMs) throw new Error("tusd does not answer within 10 s");
    await sleep(50);
  }
  return {
    endpoint,
    pathOf: (uploadId) => join(directory, uploadId.split("+", 1).join("")),
    async close() {
      child.kill();
      await exited;
    },
  };
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    return (await fetch(endpoint, { method: "OPTIONS" })).ok;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("not listening on a port");
  return address.port;
}
