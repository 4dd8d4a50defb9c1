import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Revocations } from "../src/auth/revocations.ts";
import type { CoreEngine } from "../src/engine/core-engine.ts";
import { CoreSide } from "../src/engine/link/core-side.ts";
import { GatewaySide } from "../src/engine/link/gateway-side.ts";
import { createEngine, type EngineOptions, settle } from "./engine-harness.ts";
import type { ManualClock } from "./manual-clock.ts";

export interface LinkedEngine {
  readonly core: CoreEngine;
  readonly coreSide: CoreSide;
  readonly side: GatewaySide;
  readonly clock: ManualClock;
  readonly path: string;
  /** Resolves when nothing is on its way any more, in either direction. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

/** A core and a gateway's side in one process, with a real Unix socket between them. */
export async function linkedEngine(options: EngineOptions = {}): Promise<LinkedEngine> {
  const folder = await mkdtemp(join(tmpdir(), "progress-hub-test-"));
  const path = join(folder, "core.sock");
  const { engine: core, clock } = createEngine(options);
  const coreSide = new CoreSide({
    engine: core,
    health: () => core.health(),
    revocations: new Revocations(),
    attach: () => ({ join() {}, leave() {}, detach() {} }),
  });
  await coreSide.listen(path);
  const side = new GatewaySide({ path, name: "1", revocations: new Revocations() });
  const settled = () => untilQuiet(side);
  await settled();
  return {
    core,
    coreSide,
    side,
    clock,
    path,
    settled,
    async stop() {
      side.close();
      coreSide.close();
      core.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** A link keeps the order: what was sent before an answer has come when the answer has. */
export async function untilQuiet(side: GatewaySide): Promise<void> {
  const barrier = { userId: "nobody", jobId: null, from: { kind: "start", lastEventId: null } } as const;
  do {
    await side.read(barrier);
    await settle();
  } while (side.stats.requests > 0);
}
