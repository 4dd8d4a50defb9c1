import { SCENARIOS } from "./scenarios/all.ts";
import type { Scenario, Size } from "./scenarios/scenario.ts";

// How much of each scenario a profile does. Which fields a scenario looks at is in its own file.

export const PROFILES = ["smoke", "ci", "full", "soak"] as const;
export type Profile = (typeof PROFILES)[number];

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** In the order in which they run: those that share a population together. */
type Plan = readonly (readonly [scenario: string, size: Size])[];

const SMOKE: Size = {
  connections: 500,
  connectPerSecond: 500,
  holdMs: 1 * SECOND,
  warmUpMs: 2 * SECOND,
  measureMs: 5 * SECOND,
  rates: [300],
};
const CI: Size = {
  connections: 10_000,
  connectPerSecond: 1_000,
  holdMs: 10 * SECOND,
  warmUpMs: 5 * SECOND,
  measureMs: 20 * SECOND,
  rates: [1_000],
};
/** An event is two messages, of the photo and of its job: 10,000 of them a second. */
const FULL: Size = { ...CI, holdMs: 30 * SECOND, measureMs: MINUTE, rates: [1_000, 5_000] };
/**
 * Against a baseline: enough connections for memory a connection to mean something, and enough events for what each costs.
 * Warm is who has had 80,000 of them: until then V8 is still compiling, the more the more code an event runs through. After
 * 40,000 its compiling took 10 of 120 us an event of the hub, and 1 of 55 of the bare relay.
 */
const VS: Size = {
  connections: 2_000,
  connectPerSecond: 500,
  holdMs: 3 * SECOND,
  warmUpMs: 20 * SECOND,
  measureMs: 16 * SECOND,
  rates: [5_000],
};
const VS_SIZES: Readonly<Record<Profile, Size>> = {
  smoke: { ...VS, holdMs: 2 * SECOND, measureMs: 12 * SECOND },
  ci: VS,
  full: { ...VS, connections: 10_000, connectPerSecond: 1_000, measureMs: 30 * SECOND },
  soak: { ...VS, connections: 10_000, connectPerSecond: 1_000, measureMs: 10 * MINUTE },
};

/**
 * A new hub and new generators compile what they run for about 4 s, on all cores of a small machine: with 2 s of warm-up
 * a p99 of 40 to 110 ms at a load that has 10 ms from then on.
 */
const SMOKE_FAST: Size = { ...SMOKE, warmUpMs: 4 * SECOND, measureMs: 4 * SECOND };

/** Three loads after each other, of 10 connections. */
const ingestOf = (size: Size, measureMs: number): Size => ({ ...size, connections: 10, measureMs });
const SOAK: Size = { ...FULL, measureMs: 60 * MINUTE, rates: [1_000] };

const PLANS: Readonly<Record<Profile, Plan>> = {
  smoke: [
    ["connect", SMOKE],
    ["latency", SMOKE],
    ["user-rate", SMOKE_FAST],
    ["ingest", ingestOf(SMOKE, 3 * SECOND)],
  ],
  ci: [
    ["connect", CI],
    ["latency", CI],
    ["user-rate", CI],
    ["k6", { ...CI, measureMs: 10 * SECOND, otherClients: 500 }],
    ["ingest", ingestOf(CI, 8 * SECOND)],
  ],
  full: [
    ["connect", FULL],
    ["latency", FULL],
    ["user-rate", FULL],
    ["k6", { ...FULL, measureMs: 30 * SECOND, rates: [1_000] }],
    ["ladder", { ...FULL, measureMs: 8 * SECOND, rates: [1_000] }],
    ["storm", { ...FULL, rates: [1_000] }],
    ["ingest", ingestOf(FULL, MINUTE)],
    ["slow", { ...FULL, connections: 1_000, measureMs: 30 * SECOND }],
    ["restart", { ...FULL, connections: 2_000, measureMs: 40 * SECOND, rates: [1_000] }],
    ["scale-out", { ...FULL, connections: 2_000, rates: [1_000] }],
    ["realistic", { ...FULL, connections: 2_000 }],
    ["cost", { ...FULL, measureMs: 30 * SECOND }],
  ],
  soak: [
    ["connect", SOAK],
    ["latency", SOAK],
  ],
};

/** Sizes of scenarios that a profile leaves out, for who names them; without one, as its first. */
const APART: Readonly<Partial<Record<Profile, Plan>>> = {
  ci: [
    ["slow", { ...CI, connections: 1_000, measureMs: 16 * SECOND }],
    ["scale-out", { ...CI, connections: 1_000, measureMs: 10 * SECOND }],
    ["realistic", { ...CI, connections: 400, measureMs: 12 * SECOND }],
  ],
  smoke: [
    // Readers are held in half of that time.
    ["realistic", { ...SMOKE, connections: 100 }],
    ["slow", { ...SMOKE, measureMs: 8 * SECOND }],
    ["scale-out", { ...SMOKE, connections: 200 }],
  ],
};

export interface Sized {
  readonly scenario: Scenario;
  readonly size: Size;
}

/** What the user wants otherwise than the profile. */
export type SizeWishes = Partial<Pick<Size, "connections" | "measureMs">>;

/** What `--vs` runs on both sides. */
export function vsPlanOf(profile: Profile, names: readonly string[], wishes: SizeWishes): readonly Sized[] {
  const wanted = sizeWith(VS_SIZES[profile], wishes);
  // Whoever only wants to see it run does not wait for V8.
  const size = { ...wanted, warmUpMs: Math.min(wanted.warmUpMs, 2 * wanted.measureMs) };
  return SCENARIOS.filter(({ id }) => names.includes(id)).map((scenario) => ({ scenario, size }));
}

/** What to run, in the order of the scenarios: those of the profile, or those named. */
export function planOf(profile: Profile, names: readonly string[], wishes: SizeWishes): readonly Sized[] {
  const plan = new Map(PLANS[profile]);
  const apart = new Map(APART[profile]);
  const isWanted = (id: string) => (names.length > 0 ? names.includes(id) : plan.has(id));
  return SCENARIOS.filter(({ id }) => isWanted(id)).flatMap((scenario) => {
    // A scenario that the profile leaves out has the size of its others.
    const size = plan.get(scenario.id) ?? apart.get(scenario.id) ?? [...plan.values()][0];
    return size === undefined ? [] : [{ scenario, size: sizeWith(size, wishes) }];
  });
}

/** Events that follow each other closely on few users are merged, which is another load. */
const MAX_RATE_PER_CONNECTION = 2;

/** What the user wants otherwise, and no more events than so many connections stand for. */
export function sizeWith(size: Size, wishes: SizeWishes): Size {
  const wanted = { ...size, ...wishes };
  const most = wanted.connections * MAX_RATE_PER_CONNECTION;
  return { ...wanted, rates: [...new Set(size.rates.map((rate) => Math.min(rate, most)))] };
}
