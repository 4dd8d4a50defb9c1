import cluster from "node:cluster";
import { urlOf } from "../../src/listening.ts";
import { runPlainWorker, startPlainCluster } from "./plain-cluster.ts";
import { startPlainServer } from "./plain-server.ts";
import { type Baseline, type BaselineOptions, fail, optionsOf, runBaseline } from "./run.ts";

// What a good engineer writes in a day with Socket.IO: node's cluster, its adapter, a room a user, tokens, totals in a
// map. It tells the hub's messages, and has none of its engine: nothing is conflated, resumed or kept.

async function startAlone(options: BaselineOptions): Promise<Baseline> {
  const { port, internalPort } = await startPlainServer({ ...options, isClustered: false });
  return {
    publicUrl: urlOf("http", options.host, port),
    internalUrl: urlOf("http", options.internalHost, internalPort ?? options.internalPort),
    workers: 0,
    end: () => Promise.resolve(),
  };
}

try {
  const options = optionsOf(process.argv.slice(2));
  if (options.jwtSecret === "" || options.ingestToken === "")
    throw new TypeError("--jwt-secret and --ingest-token are needed");
  if (cluster.isWorker) await runPlainWorker(options);
  else await runBaseline(options, options.workers === 0 ? startAlone : startPlainCluster);
} catch (error) {
  fail(error);
}
