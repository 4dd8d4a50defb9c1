import { spawnSync } from "node:child_process";
import { appendFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { CLEAN } from "../../simulator/oracle/oracle.ts";
import { until } from "../../simulator/oracle/until.ts";
import { dataFolder, INGEST_TOKEN } from "./cluster.ts";
import { STREAMS } from "./population.ts";
import { endScenes, startScene } from "./scene.ts";

let mounted: string | null = null;

afterEach((context) => {
  if (mounted !== null) spawnSync("umount", ["--lazy", mounted]);
  mounted = null;
  endScenes(context);
});

const DISK = "16m";
const isPossible = process.platform === "linux" && process.getuid?.() === 0;
if (!isPossible) console.warn("SKIPPED: a full disk, since only root can mount a small one");

test.skipIf(!isPossible)(
  "a full disk: events are refused with 503, clients stay, also when the core dies then, and when there is room again nothing is lost",
  async () => {
    mounted = dataFolder();
    const made = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${DISK}`, "tmpfs", mounted]);
    expect(String(made.stderr)).toBe("");
    const { hub, oracle, population, producer } = await startScene({
      flags: ["--workers", "2", "--data-dir", mounted],
      users: 20,
      devicesPerUser: 3,
      kinds: ["socketio", "websocket", "sse"],
      rate: 200,
    });
    const core = hub.corePid();
    const ballast = join(mounted, "ballast");
    fillUp(ballast);

    const readyz = (url: string) => fetch(`${url}/readyz`).then(({ status }) => status);
    await until(async () => (await readyz(hub.internalUrl)) === 503, "not ready", 5_000);
    await until(async () => (await readyz(hub.publicUrl)) === 503, "not ready on the public listener", 5_000);
    const began = performance.now();
    const refused = await postOne(hub.internalUrl);
    expect(performance.now() - began).toBeLessThan(1_000);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(await refused.json()).toMatchObject({ code: "store_unavailable" });

    // A core that begins anew has no room to bring its journal into the tables, and needs none.
    process.kill(core ?? 0, "SIGKILL");
    oracle.coreEnded("drained");
    const isBack = async () => {
      const pid = hub.corePid();
      if (pid === null || pid === core) return false;
      return (await postOne(hub.internalUrl).catch(() => null))?.status === 503;
    };
    await until(isBack, "another core is there, and refuses", 10_000);
    const second = hub.corePid();

    rmSync(ballast);
    await until(async () => (await readyz(hub.internalUrl)) === 200, "ready again", 5_000);
    await population.untilAllGotOneAfter(performance.now(), 10_000);
    await producer.finish();
    expect(await oracle.settled(5_000)).toEqual(CLEAN);
    expect(producer.rejected).toEqual([]);
    expect(producer.retries).toBeGreaterThan(0);
    expect(population.disconnects(STREAMS)).toBe(0);
    expect(hub.corePid()).toBe(second);
    expect(hub.stderr.match(/the data folder can't be written/g)).toHaveLength(2);
  },
);

function fillUp(file: string): void {
  for (let bytes = 65_536; bytes >= 512; bytes /= 2) {
    try {
      for (;;) appendFileSync(file, Buffer.alloc(bytes));
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
    }
  }
}

function postOne(internalUrl: string): Promise<Response> {
  const event = {
    specversion: "1.0",
    id: "1",
    source: "/full",
    type: "uploadjob.created",
    data: { jobId: "full", userId: "full" },
  };
  return fetch(`${internalUrl}/api/v1/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${INGEST_TOKEN}`, "content-type": "application/cloudevents+json" },
    body: JSON.stringify(event),
  });
}
