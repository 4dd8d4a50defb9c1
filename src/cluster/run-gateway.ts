import { createVerifier } from "../auth/verify.ts";
import { GatewaySide } from "../engine/link/gateway-side.ts";
import { startGateway } from "../gateway/main.ts";
import { createPeers } from "../gateway/peers.ts";
import { urlOf } from "../listening.ts";
import { createLog } from "../log.ts";
import { metricsOfGateway, metricsOfLink } from "../metrics/of-gateway.ts";
import { Registry } from "../metrics/registry.ts";
import type { Lifeline } from "./lifeline.ts";
import type { StartOf } from "./messages.ts";
import { coreSocketIn } from "./sockets.ts";

/** As long as clients wait for the core; after that a gateway serves without it. */
const FIRST_LINK_MS = 5_000;

/** A gateway process, from its first settings to its end. */
export async function runGateway(start: StartOf<"gateway">, lifeline: Lifeline): Promise<void> {
  const { settings, secrets, folder, tag } = start;
  const name = `gateway-${tag}`;
  const log = createLog({ settings, secrets, stderr: process.stderr, processName: name });
  let onLinked = (): void => {};
  const linked = new Promise<void>((resolve) => {
    onLinked = resolve;
  });
  const verifier = createVerifier(settings);
  const metrics = new Registry(name);
  const core = new GatewaySide({
    path: coreSocketIn(folder),
    name,
    revocations: verifier.revocations,
    metrics: () => metrics.snapshot(),
    onChange(isLinked) {
      if (isLinked) onLinked();
      else log.warn("the link to the core broke; connections stay, and read what they miss when it is back");
    },
  });
  const gateway = await startGateway({
    settings,
    engine: core,
    attachPresence: (orders) => core.attach(orders),
    verifier,
    log,
    name,
    connections: lifeline,
    peers: createPeers(folder, tag),
    clusterAdapter: true,
    unlinkedMs: () => core.unlinkedMs,
    internalUrl: urlOf("http", settings.internalHost, settings.internalPort),
  });
  metrics.add(metricsOfLink(core, name));
  metrics.add(metricsOfGateway(gateway));
  const end = (): void => {
    core.close();
    process.exit();
  };
  lifeline.onDrain((timeoutMs) => void gateway.drain(timeoutMs).finally(end));
  lifeline.onStop(() => void gateway.close().finally(end));
  const timer = setTimeout(onLinked, FIRST_LINK_MS);
  await linked;
  clearTimeout(timer);
  lifeline.ready();
}
