import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface StaticServer {
  readonly url: string;
  /** By path; asked at every request. */
  readonly files: Map<string, () => { readonly type: string; readonly body: string | Buffer }>;
  close(): void;
}

/** Of a few files in memory, on another origin than the hub's. */
export async function startStaticServer(): Promise<StaticServer> {
  const files: StaticServer["files"] = new Map();
  const server = createServer((request, response) => {
    const file = files.get(new URL(request.url ?? "/", "http://files").pathname);
    if (file === undefined) {
      response.writeHead(404).end();
      return;
    }
    const { type, body } = file();
    response.writeHead(200, { "content-type": type, "cache-control": "no-store" }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    files,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
