import { afterEach, expect, test } from "vitest";
import { medianRatioOf } from "../../bench/compare/spread.ts";
import { describeWithRedis } from "../redis/available.ts";
import { endAllServers, type RedisServer, startRedis } from "../redis/server.ts";
import { costPerEvent, cpuPerEvent } from "./cpu-per-event.ts";
import { endScenes } from "./scene.ts";

afterEach(() => {
  endScenes();
  endAllServers();
});

/** Single pairs were seen from 0.87 to 1.57 on one and the same program: a median of few says little. */
const PAIRS = 5;
/** Its limit is far from what is seen. */
const REDIS_PAIRS = 3;

interface Way {
  readonly name: string;
  cpuPerEvent(): Promise<number>;
}

/** CPU of B by that of A, in fresh hubs: A then B, then B and A, so that what drifts with time falls on both alike. */
async function ratioOf(a: Way, b: Way, pairs: number): Promise<number> {
  const seen: { a: number; b: number }[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    const before = pair % 2 === 0 ? await a.cpuPerEvent() : null;
    const second = await b.cpuPerEvent();
    seen.push({ a: before ?? (await a.cpuPerEvent()), b: second });
  }
  const ratios = seen.map((one) => one.b / one.a);
  const median = medianRatioOf(ratios) ?? Number.NaN;
  console.log(
    `CPU per event, µs, ${a.name} then ${b.name}: ${seen.map((one) => `${one.a.toFixed(0)}, ${one.b.toFixed(0)}`).join("; ")}; ` +
      `ratios ${ratios.map((ratio) => ratio.toFixed(2)).join(", ")}; median ${median.toFixed(2)}`,
  );
  return median;
}

const way = (name: string, ...flags: readonly string[]): Way => ({
  name,
  cpuPerEvent: () => cpuPerEvent(...flags),
});

test("CPU per event of all processes: --workers 1 costs at most 1.35 times --workers 0", async () => {
  const ratio = await ratioOf(way("--workers 0", "--workers", "0"), way("1", "--workers", "1"), PAIRS);
  expect(ratio).toBeGreaterThan(0.5);
  expect(ratio).toBeLessThanOrEqual(1.35);
});

test("CPU per event: state on disk, durability commit, costs at most 1.25 times none", async () => {
  const ratio = await ratioOf(durability("none"), durability("commit"), PAIRS);
  expect(ratio).toBeGreaterThan(0.5);
  expect(ratio).toBeLessThanOrEqual(1.25);
});

test("CPU per event with durability sync is told", async () => {
  // No limit: it is the disk's speed that decides how many commits share a flush.
  expect(await ratioOf(durability("none"), durability("sync"), 1)).toBeGreaterThan(0.5);
});

describeWithRedis("with the state in Redis", () => {
  test("CPU per event of the hub is at most 1.5 times that of durability commit on disk; Redis' own is told", async () => {
    const server = await startRedis();
    const ofRedis: number[] = [];
    const inRedis: Way = {
      name: "redis",
      async cpuPerEvent() {
        await server.command("FLUSHALL");
        const flags = ["--workers", "0", "--redis", server.url];
        const { hub, other } = await costPerEvent(flags, () => cpuMsOfRedis(server));
        ofRedis.push(other);
        return hub;
      },
    };
    const ratio = await ratioOf(durability("commit"), inRedis, REDIS_PAIRS);
    console.log(`CPU of Redis per event, µs: ${ofRedis.map((us) => us.toFixed(0)).join(", ")}`);
    expect(ratio).toBeGreaterThan(0.5);
    expect(ratio).toBeLessThanOrEqual(1.5);
  });
});

async function cpuMsOfRedis(server: RedisServer): Promise<number> {
  const info = String(await server.command("INFO", "cpu"));
  const secondsOf = (name: string): number => Number(new RegExp(`^${name}:(\\S+)`, "m").exec(info)?.[1]);
  return 1_000 * (secondsOf("used_cpu_user") + secondsOf("used_cpu_sys"));
}

function durability(name: "none" | "commit" | "sync"): Way {
  return way(name, "--workers", "0", "--durability", name);
}
