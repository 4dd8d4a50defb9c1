import type { Logger } from "pino";
import { createVerifier } from "../auth/verify.ts";
import type { Settings } from "../config/schema.ts";
import type { Engine } from "../engine/contract.ts";
import type { EngineStats } from "../engine/core-engine.ts";
import { type Gateway, type GatewayStats, startGateway } from "../gateway/main.ts";
import { metricsOfGateway } from "../metrics/of-gateway.ts";
import { startCore } from "./main.ts";

export interface HubOptions {
  readonly settings: Settings;
  readonly log: Logger;
}

export interface HubStats {
  readonly engine: EngineStats;
  readonly gateway: GatewayStats;
  readonly connections: Gateway["connections"];
}

/** A hub in this process: `serve --workers 0`, and what an embedding application gets. */
export interface Hub {
  /** For clients, e.g. `http://127.0.0.1:8080`; with port 0 the real one. */
  readonly publicUrl: string;
  /** For producers and operators. */
  readonly internalUrl: string;
  readonly engine: Engine;
  stats(): HubStats;
  /** Says it is not ready, refuses what is new, asks clients to come back elsewhere, and closes them, in time. */
  drain(): Promise<void>;
  /** Stops at once: both listeners, all connections, all timers. */
  close(): Promise<void>;
}

/**
 * Core and gateway joined by a direct call. Throws what listening throws (`EADDRINUSE` with its port among it), and an
 * Error for keys that can't be used.
 */
export async function startHub({ settings, log }: HubOptions): Promise<Hub> {
  const verifier = createVerifier(settings);
  const core = await startCore({ settings, verifier, log });
  try {
    const gateway = await startGateway({
      settings,
      engine: core.engine,
      attachPresence: (orders) => core.directory.attach("gateway", orders),
      verifier,
      log,
      internalUrl: core.internalUrl,
    });
    core.metrics.add(metricsOfGateway(gateway));
    return {
      publicUrl: gateway.publicUrl,
      internalUrl: core.internalUrl,
      engine: core.engine,
      stats: () => ({ engine: core.stats(), gateway: gateway.stats, connections: gateway.connections }),
      async drain() {
        // First its last events, so that they are shown before the clients go.
        await core.drain();
        await gateway.drain();
      },
      async close() {
        await gateway.close();
        await core.close();
      },
    };
  } catch (error) {
    await core.close();
    throw error;
  }
}
