import { fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, TEST_SECRET } from "../integration/gateway-harness.ts";

/** A node cluster of two gateways, see cluster-gateways.mjs. */
export interface ClusterProcess {
  /** Ids of the workers that ever got ready, which are their tags too, in that order. */
  readonly ready: readonly number[];
  readonly publicUrl: string;
  /** Has the worker do it; its answer. */
  ask(worker: number | undefined, call: string, ...args: unknown[]): Promise<unknown>;
  /** With -9; another one takes its place. */
  kill(worker: number | undefined): void;
  close(): Promise<void>;
}

/** `ports`: of the workers 1, 2 and so on; none: one that they share. */
export async function startClusterProcess(ports: readonly number[] = []): Promise<ClusterProcess> {
  const directory = await mkdtemp(join(tmpdir(), "cluster-"));
  const settings = { host: "127.0.0.1", port: 0, jwtSecret: [TEST_SECRET], ingestToken: ["i".repeat(32)] };
  const fixture = new URL("cluster-gateways.mjs", import.meta.url).pathname;
  const primary = fork(fixture, [JSON.stringify(settings), directory, ...ports.map(String)]);
  const ready: number[] = [];
  const answers = new Map<number, unknown>();
  let publicUrl = "";
  let questions = 0;
  primary.on("message", (message: Record<string, unknown>) => {
    if (message.kind === "answer") answers.set(Number(message.id), message.result);
    else {
      publicUrl = String(message.publicUrl);
      ready.push(Number(message.worker));
    }
  });
  await eventually(() => ready.length === 2, "two gateways", 15_000);
  ready.sort((a, b) => a - b);
  return {
    ready,
    publicUrl,
    async ask(worker, call, ...args) {
      questions += 1;
      const id = questions;
      primary.send({ id, worker, call, args });
      await eventually(() => answers.has(id), `an answer to ${call}`, 10_000);
      return answers.get(id);
    },
    kill: (worker) => void primary.send({ id: 0, worker, call: "die", args: [] }),
    async close() {
      primary.disconnect();
      await eventually(() => primary.exitCode !== null, "the primary is gone");
      await rm(directory, { recursive: true });
    },
  };
}
