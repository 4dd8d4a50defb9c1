import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";
import { createServer } from "node:net";
import { setupPrimary } from "@socket.io/cluster-adapter";
import { listen, urlOf } from "../../src/listening.ts";
import { startPlainServer } from "./plain-server.ts";
import { type Baseline, type BaselineOptions, fail } from "./run.ts";

// Where events are taken: in the first worker alone. In all of them each would know a share of a job's photos, and
// totals would be wrong; the primary has no Socket.IO server to emit with, and every hand-over and broadcast passes it.

const READY = "ready";
/** Environment of a worker: the port it takes events on; empty: it takes none. */
const INTERNAL_PORT = "PLAIN_SOCKETIO_INTERNAL_PORT";
const PUBLIC_PORT = "PLAIN_SOCKETIO_PORT";

/** A primary that forks the workers, replaces one that dies, and passes their broadcasts on to each other. */
export async function startPlainCluster(options: BaselineOptions): Promise<Baseline> {
  const { host, internalHost, workers } = options;
  const [port, internalPort] = await portsOf(options);
  setupPrimary();
  let isEnding = false;

  async function fork(internal: string): Promise<void> {
    const worker = cluster.fork({ [PUBLIC_PORT]: String(port), [INTERNAL_PORT]: internal });
    await untilReady(worker);
    worker.once("exit", () => {
      if (!isEnding) fork(internal).catch((error: unknown) => isEnding || fail(error));
    });
  }

  const roles = Array.from({ length: workers }, (_, index) => (index === 0 ? String(internalPort) : ""));
  await Promise.all(roles.map(fork));
  return {
    publicUrl: urlOf("http", host, port),
    internalUrl: urlOf("http", internalHost, internalPort),
    workers,
    async end() {
      isEnding = true;
      await Promise.all(Object.values(cluster.workers ?? {}).map(kill));
    },
  };
}

/** The same program as a worker. It ends with its primary, however that ends. */
export async function runPlainWorker(options: BaselineOptions): Promise<void> {
  process.once("disconnect", () => process.exit(0));
  // A terminal sends its signals to all processes of a job; the primary ends the workers.
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => {});
  const internal = process.env[INTERNAL_PORT] ?? "";
  await startPlainServer({
    ...options,
    port: Number(process.env[PUBLIC_PORT]),
    internalPort: internal === "" ? null : Number(internal),
    isClustered: true,
  });
  process.send?.(READY);
}

/** Free ports in place of 0, chosen before any worker is there, so that one that is replaced comes back at its own. */
async function portsOf({
  host,
  port,
  internalHost,
  internalPort,
}: BaselineOptions): Promise<[number, number]> {
  const probes = [createServer(), createServer()] as const;
  const ports: [number, number] = [
    await listen(probes[0], { host, port }),
    await listen(probes[1], { host: internalHost, port: internalPort }),
  ];
  for (const probe of probes) await new Promise((resolve) => probe.close(resolve));
  return ports;
}

/** Rejects when it ends first. */
function untilReady(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.on("message", function look(message: unknown) {
      // The adapter talks over the same channel.
      if (message !== READY) return;
      worker.off("message", look);
      resolve();
    });
    worker.once("exit", (code) => reject(new Error(`a worker ended with ${code} before it was ready`)));
  });
}

async function kill(worker: Worker | undefined): Promise<void> {
  if (worker === undefined || worker.isDead()) return;
  const gone = once(worker, "exit");
  worker.process.kill("SIGKILL");
  await gone;
}
