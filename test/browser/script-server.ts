import { once } from "node:events";
import { createServer } from "node:http";

export interface ScriptServer {
  readonly url: string;
  close(): void;
}

/** Serves an empty page with that script, on an origin of its own. */
export async function serveScript(script: string): Promise<ScriptServer> {
  const page =
    '<!doctype html><title>test</title><div id="root"></div><script type="module" src="/script.js"></script>';
  const server = createServer(({ url }, response) => {
    if (url === "/") response.setHeader("content-type", "text/html").end(page);
    else if (url === "/script.js") response.setHeader("content-type", "text/javascript").end(script);
    else response.writeHead(404).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
