import { type ChaosProxy, startChaos } from "../../simulator/chaos/proxy.ts";
import { Deliveries } from "../../simulator/delivery.ts";
import { httpSink } from "../../simulator/ingest.ts";
import { CLEAN as NOTHING } from "../../simulator/oracle/oracle.ts";
import { demoNames } from "../../simulator/plan.ts";
import type { Profile } from "../../simulator/profile.ts";
import { builtInProfile, type ProfileName } from "../../simulator/profiles.ts";
import { newTotals, runEvents } from "../../simulator/runner.ts";
import { type Judgement, Verification } from "../../simulator/verify.ts";
import { Workload } from "../../simulator/workload.ts";
import { type Cluster, INGEST_TOKEN, tokenFor } from "./cluster.ts";

// `simulate --verify` as a test runs it: a simulation into a hub, and clients that are judged.

export const CLEAN = { ...NOTHING, untrue: 0 };

export interface Simulated {
  readonly profile: ProfileName;
  readonly changes?: Partial<Profile>;
  readonly seed: number;
  readonly users: number;
  /** Simulated; it runs four times as fast. */
  readonly durationMs: number;
  readonly hasChaos?: boolean;
  /** How long a hub that is broken is waited for. */
  readonly settleMs?: number;
}

const SPEED = 4;
let open: { close(): unknown }[] = [];

/** For `afterEach`. */
export async function closeJudged(): Promise<void> {
  for (const one of open.splice(0)) await one.close();
}

export async function judged(hub: Cluster, options: Simulated): Promise<Judgement> {
  const { seed, users, durationMs, hasChaos = false, settleMs } = options;
  // Without tunnels, in which nothing comes for half a minute.
  const networks = { wifi: 1, office: 2 };
  const profile = { ...builtInProfile(options.profile), users, networks, ...options.changes };
  const chaos: ChaosProxy | null = hasChaos ? await startChaos(hub.publicUrl, seed) : null;
  const verification = new Verification({
    clientsUrl: chaos?.url ?? hub.publicUrl,
    publicUrl: hub.publicUrl,
    userIds: Array.from({ length: users }, (_, user) => demoNames(seed, user + 1, 1).userId),
    devicesPerUser: 3,
    tokenOf: tokenFor,
    ...(settleMs !== undefined && { settleMs }),
  });
  open = [...open, verification, ...(chaos === null ? [] : [chaos])];
  await verification.connect();
  const { signal } = new AbortController();
  const sink = httpSink({ internalUrl: hub.internalUrl, ingestToken: INGEST_TOKEN });
  const workload = new Workload({ profile, seed, durationMs });
  await runEvents({
    ...{ signal, totals: newTotals(), pace: { kind: "speed", speed: SPEED } },
    events: new Deliveries(workload, profile.delivery, seed),
    sink: verification.recorded(sink),
  });
  chaos?.calm();
  return await verification.judge(signal);
}
