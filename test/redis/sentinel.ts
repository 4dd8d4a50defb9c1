import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../../simulator/oracle/until.ts";
import { type RedisServer, startRedis } from "./server.ts";

const READY_DEADLINE_MS = 20_000;
const NAME = "mymaster";

export interface SentinelSetup {
  /** The master at the start, then its replicas. */
  readonly servers: readonly RedisServer[];
  readonly sentinels: readonly RedisServer[];
  /** For the setting `redis`. */
  readonly url: string;
  /** Port of the master by the word of the sentinels. */
  masterPort(): Promise<number>;
  /** Asks for a fail-over, until the sentinels name another master. */
  failOver(): Promise<number>;
}

/** One master, `replicas` replicas, three sentinels, two of which must agree; a master is given up after 1 s. */
export async function startSentinels(replicas = 1): Promise<SentinelSetup> {
  const master = await startRedis();
  const followers = await Promise.all(
    Array.from({ length: replicas }, () =>
      startRedis({ args: ["--replicaof", "127.0.0.1", String(master.port)] }),
    ),
  );
  await Promise.all(followers.map(untilInSync));
  const sentinels = await Promise.all(
    Array.from({ length: 3 }, () =>
      startRedis({ sentinel: (folder, port) => configure(folder, port, master.port) }),
    ),
  );
  const agreed = async () => {
    const states = await Promise.all(
      sentinels.map((sentinel) => sentinel.command("SENTINEL", "MASTER", NAME)),
    );
    return states.every((state) => {
      const { "num-slaves": slaves, "num-other-sentinels": others } = fieldsOf(state);
      return Number(slaves) === replicas && Number(others) === 2;
    });
  };
  await until(agreed, "the sentinels know each other and the replicas", READY_DEADLINE_MS);

  const masterPort = async () => {
    for (const sentinel of sentinels) {
      const address = await sentinel.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME).catch(() => null);
      if (Array.isArray(address)) return Number(address[1]);
    }
    throw new Error("no sentinel answers");
  };
  return {
    servers: [master, ...followers],
    sentinels,
    url: `redis-sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",")}/${NAME}`,
    masterPort,
    async failOver() {
      const before = await masterPort();
      const asked = async () =>
        (await sentinels[0]?.command("SENTINEL", "FAILOVER", NAME).catch(() => null)) === "OK";
      await until(asked, "a sentinel takes up the fail-over", READY_DEADLINE_MS);
      await until(async () => (await masterPort()) !== before, "another master", READY_DEADLINE_MS);
      return masterPort();
    },
  };
}

async function untilInSync(replica: RedisServer): Promise<void> {
  const inSync = async () =>
    String(await replica.command("INFO", "replication")).includes("master_link_status:up");
  await until(inSync, "the replica is in sync", READY_DEADLINE_MS);
}

function configure(folder: string, port: number, masterPort: number): string {
  const path = join(folder, "sentinel.conf");
  const lines = [
    `port ${port}`,
    "bind 127.0.0.1",
    `dir ${folder}`,
    `sentinel monitor ${NAME} 127.0.0.1 ${masterPort} 2`,
    `sentinel down-after-milliseconds ${NAME} 1000`,
    `sentinel failover-timeout ${NAME} 4000`,
  ];
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}

/** A flat list of names and values as an object. */
function fieldsOf(reply: unknown): Record<string, unknown> {
  const list: unknown[] = Array.isArray(reply) ? reply : [];
  const fields: Record<string, unknown> = {};
  for (let index = 0; index + 1 < list.length; index += 2) fields[String(list[index])] = list[index + 1];
  return fields;
}
