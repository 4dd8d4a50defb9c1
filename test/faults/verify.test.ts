import { afterEach, expect, test } from "vitest";
import { type ChaosProxy, startChaos } from "../../simulator/chaos/proxy.ts";
import { Deliveries } from "../../simulator/delivery.ts";
import { httpSink } from "../../simulator/ingest.ts";
import { CLEAN as NOTHING } from "../../simulator/oracle/oracle.ts";
import { demoNames } from "../../simulator/plan.ts";
import { builtInProfile, type ProfileName } from "../../simulator/profiles.ts";
import { newTotals, runEvents } from "../../simulator/runner.ts";
import { type Judgement, Verification } from "../../simulator/verify.ts";
import { Workload } from "../../simulator/workload.ts";
import { type Cluster, INGEST_TOKEN, killAll, program, startProgram, tokenFor } from "./cluster.ts";

// `simulate --verify` on a hub as it is, and on hubs that are broken on purpose: it must name what is wrong with each.

const SPEED = 4;
const CLEAN = { ...NOTHING, untrue: 0 };

let open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open) await one.close();
  open = [];
  killAll();
});

interface Case {
  readonly profile: ProfileName;
  readonly seed: number;
  readonly users: number;
  readonly durationMs: number;
  readonly hasChaos?: boolean;
  /** How long a hub that is broken is waited for. */
  readonly settleMs?: number;
}

async function judged(hub: Cluster, options: Case): Promise<Judgement> {
  const { seed, users, durationMs, hasChaos = false, settleMs } = options;
  // Without tunnels, in which nothing comes for half a minute.
  const profile = { ...builtInProfile(options.profile), users, networks: { wifi: 1, office: 2 } };
  const chaos: ChaosProxy | null = hasChaos ? await startChaos(hub.publicUrl, seed) : null;
  const verification = new Verification({
    clientsUrl: chaos?.url ?? hub.publicUrl,
    publicUrl: hub.publicUrl,
    userIds: Array.from({ length: users }, (_, user) => demoNames(seed, user + 1, 1).userId),
    devicesPerUser: 3,
    tokenOf: tokenFor,
    ...(settleMs !== undefined && { settleMs }),
  });
  open.push(verification, ...(chaos === null ? [] : [chaos]));
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

const script = (name: string) => new URL(`./broken/${name}.mjs`, import.meta.url).pathname;

test("nothing is found where producers, clients and lines do their worst, and the hub does its best", async () => {
  const hub = await startProgram(program, ["--workers", "2"]);
  const hostile = { profile: "hostile", seed: 1, users: 40, durationMs: 20_000, hasChaos: true } as const;
  const judgement = await judged(hub, hostile);
  expect(judgement).toMatchObject(CLEAN);
  expect(judgement.endings).toBeGreaterThan(500);
  expect(judgement.disconnects).toBeGreaterThan(30);
});

test("a hub that drops every 1,000th message is told by the endings that never came", async () => {
  const hub = await startProgram(script("drops"), ["--workers", "0"]);
  const judgement = await judged(hub, {
    ...{ profile: "hostile", seed: 2, users: 40, durationMs: 20_000, settleMs: 1_000 },
  });
  expect(judgement.lost).toBeGreaterThan(0);
  expect(judgement.untrue).toBeGreaterThan(0);
  expect(judgement.foreign).toBe(0);
  expect(judgement.examples.join("\n")).toMatch(
    /lost: \S+ of demo\S* never saw the ending of sim-2-\d+-\d+\/photo-\d+/,
  );
});

test("a hub that does not look whose connection it is is told by what is foreign", async () => {
  const hub = await startProgram(script("leaks"), ["--workers", "0"]);
  const judgement = await judged(hub, {
    ...{ profile: "hostile", seed: 3, users: 20, durationMs: 8_000, settleMs: 500 },
  });
  expect(judgement.foreign).toBeGreaterThan(0);
  expect(judgement.examples.join("\n")).toMatch(/foreign: \S+ of demo\S* got \S+ of sim-3-\S+ of demo/);
});
