// Gateways as workers of a real node cluster, joined by Socket.IO's cluster adapter and by their Unix sockets, each with
// an engine of its own: node cluster-gateways.mjs '<settings>' <directory> [<port of worker 1> ...]. Runs the built
// code. A worker that dies is replaced. A message {id, worker, call, args} is answered with {id, result}.
import cluster from "node:cluster";
import { setupPrimary } from "@socket.io/cluster-adapter";
import { pino } from "pino";
import { createVerifier } from "../../dist/src/auth/verify.js";
import { settingsFor } from "../../dist/src/config/load.js";
import { Directory } from "../../dist/src/core/directory.js";
import { systemClock } from "../../dist/src/engine/clock.js";
import { CoreEngine } from "../../dist/src/engine/core-engine.js";
import { ResidentStore } from "../../dist/src/engine/resident/store.js";
import { startGateway } from "../../dist/src/gateway/main.js";
import { createPeers } from "../../dist/src/gateway/peers.js";

if (cluster.isPrimary) {
  setupPrimary();
  cluster.on("message", (worker, message) => {
    if (message.kind !== undefined) process.send({ ...message, worker: worker.id });
  });
  cluster.on("exit", () => cluster.fork());
  for (let workers = 0; workers < 2; workers += 1) cluster.fork();
  process.on("message", (message) => cluster.workers[message.worker].send(message));
} else {
  const [, , given, directory, ...ports] = process.argv;
  const port = Number(ports[cluster.worker.id - 1] ?? 0);
  const settings = settingsFor({ ...JSON.parse(given), port });
  const gateway = await startGateway({
    settings,
    engine: new CoreEngine({
      clock: systemClock,
      store: new ResidentStore({
        clock: systemClock,
        retentionMs: 60_000,
        maxJobsPerUser: settings.maxJobsPerUser,
        startMs: Date.now(),
        disk: null,
      }),
      rules: { stallAfterMs: 1_000, expireAfterMs: 10_000, retryGraceMs: 1_000, jobIdleMs: 1_000 },
      limits: settings,
      photoIntervalMs: 0,
      jobIntervalMs: 0,
      recentMs: 60_000,
    }),
    attachPresence: (orders) => new Directory(settings.maxConnectionsPerUser).attach("gateway", orders),
    verifier: createVerifier(settings),
    log: pino({ level: "silent" }),
    peers: createPeers(directory, String(cluster.worker.id)),
    clusterAdapter: true,
  });
  const { io } = gateway;
  io.on("greeting", (name, answer) => answer(`${name}, from ${cluster.worker.id}`));
  const calls = {
    all: async () =>
      (await io.fetchSockets()).map(({ id, handshake, rooms }) => ({ id, handshake, rooms: [...rooms] })),
    own: async () => (await io.local.fetchSockets()).map(({ id }) => id),
    emit: (name) => io.serverSideEmitWithAck("greeting", name),
    disconnect: async (id, close) => io.in(id).disconnectSockets(close),
    stats: async () => ({ ...gateway.stats, connections: gateway.connections }),
    die: async () => process.kill(process.pid, "SIGKILL"),
  };
  process.on("message", async ({ id, call, args }) => {
    if (call === undefined) return;
    const result = await calls[call](...args).catch((error) => ({ failed: error.message }));
    process.send({ kind: "answer", id, result });
  });
  process.send({ kind: "ready", publicUrl: gateway.publicUrl });
}
process.on("disconnect", () => process.exit());
