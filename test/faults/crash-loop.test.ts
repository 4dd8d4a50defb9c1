import { afterEach, expect, test } from "vitest";
import { until } from "../../simulator/oracle/until.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { endScenes } from "./scene.ts";

afterEach(endScenes);

const GIVES_UP_WITHIN_MS = 150_000;

test.each<["core" | "gateway", (hub: Cluster) => number | null]>([
  ["core", (hub) => hub.corePid()],
  ["gateway", (hub) => hub.gatewayPids()[0] ?? null],
])(
  "a %s that always dies: restarts back off, then exit 1 with the cause in one line",
  async (kind, pidOf) => {
    const hub = await startCluster("--workers", "1");
    const killedAtMs: number[] = [];
    await until(
      () => {
        const pid = pidOf(hub);
        if (pid !== null) {
          process.kill(pid, "SIGKILL");
          killedAtMs.push(performance.now());
        }
        return hub.exit !== null;
      },
      `serve has given up on its ${kind}`,
      GIVES_UP_WITHIN_MS,
      () => `killed at ${killedAtMs.map(Math.round).join(", ")}\n${hub.stderr}`,
    );
    expect(hub.exit).toBe(1);
    const waits = killedAtMs.slice(1).map((atMs, index) => Math.round(atMs - (killedAtMs[index] ?? 0)));
    console.log(`${kind}: killed ${killedAtMs.length} times, ms between: ${waits.join(", ")}`);
    expect(killedAtMs.length).toBeGreaterThanOrEqual(4);
    expect(Math.max(...waits)).toBeGreaterThan(2 * (waits[0] ?? 0));
    const lines = hub.stderr.trim().split("\n");
    const said = lines.filter((line) => line.startsWith("progress-hub: "));
    expect(said).toEqual([lines.at(-1)]);
    expect(said[0]).toMatch(new RegExp(`${kind}.*SIGKILL`));
    expect(hub.stderr).not.toMatch(/^\s+at .*[:(]/m);
    await until(() => hub.processes().length === 0, "no process is left", 5_000);
  },
);
