import { setTimeout as wait } from "node:timers/promises";
import { countText } from "../count-text.ts";
import { userCount } from "../load/population.ts";
import { childrenOf, type HubProcessInfo } from "../machine/processes.ts";
import { counter } from "../metric.ts";
import { reasonsTold, sumOf } from "../running-load.ts";
import type { Stage } from "../stage.ts";
import { type Scenario, Skipped } from "./scenario.ts";
import { measuredOf, usersFor } from "./steady-load.ts";

const SETTLE_MS = 3_000;
const LOOK_EVERY_MS = 200;
const DEADLINE_MS = 30_000;

export const restart: Scenario = {
  id: "restart",
  about: "the core, then a gateway, killed with -9 under load; then all replaced one by one",
  async *run(bench) {
    if (!bench.canRestart) throw new Skipped("only a hub that bench has started may be killed");
    const { connections, connectPerSecond, rates, warmUpMs, measureMs } = bench.size;
    const eventsPerSecond = rates[0] ?? 0;
    const measured = await bench.fresh(
      { connections, connectPerSecond, isKilled: true },
      async (stage, target) => {
        const primary = target.pid ?? 0;
        if (childrenOf(primary).length < 2)
          throw new Skipped("the hub has one process; leave out --workers 0");
        await stage.connect(this.id);
        const users = usersFor(eventsPerSecond, userCount(stage.options.population));
        const plan = {
          ...{ scenario: this.id, eventsPerSecond, users, photosPerUser: 1, warmUpMs, measureMs },
          // Who is away when a photo moves twice is shown where it is, not how it got there.
          isEachShown: false,
        };
        let coreDisconnects = 0;
        const outcome = await stage.load(plan, async () => {
          const closes = () => sumOf(stage.fleet.counts().closes);
          const before = closes();
          killOne(primary, "core");
          await replaced(stage, primary, "core", bench.signal);
          await wait(SETTLE_MS, undefined, { signal: bench.signal });
          coreDisconnects = closes() - before;
          killOne(primary, "gateway");
          await replaced(stage, primary, "gateway", bench.signal);
          const gateways = pidsOf(primary, "gateway");
          process.kill(primary, "SIGHUP");
          await until(
            () => pidsOf(primary, "gateway").every((pid) => !gateways.includes(pid)),
            "the gateways to be replaced",
            bench.signal,
          );
          await back(stage, bench.signal);
        });
        const result = measuredOf(stage, plan, outcome, {
          variant: null,
          title: `core and gateway killed, all replaced, under ${countText(eventsPerSecond)} events/s`,
        });
        const metrics = new Map(result.metrics);
        metrics.set("core_disconnects", counter(coreDisconnects));
        const { errors } = stage.fleet.counts();
        metrics.set("refusals", counter(sumOf(errors)));
        const notes = [...result.notes, ...reasonsTold("Came back in vain", errors)];
        return { ...result, metrics, notes };
      },
    );
    yield measured;
  },
};

function pidsOf(primary: number, kind: HubProcessInfo["kind"]): readonly number[] {
  return childrenOf(primary).flatMap((info) => (info.kind === kind ? [info.pid] : []));
}

function killOne(primary: number, kind: HubProcessInfo["kind"]): void {
  const [pid] = pidsOf(primary, kind);
  if (pid === undefined) throw new Error(`the hub has no ${kind}`);
  process.kill(pid, "SIGKILL");
}

/** A new one is there, and everybody is back. */
async function replaced(
  stage: Stage,
  primary: number,
  kind: HubProcessInfo["kind"],
  signal: AbortSignal,
): Promise<void> {
  await until(() => pidsOf(primary, kind).length > 0, `a new ${kind}`, signal);
  await back(stage, signal);
}

async function back(stage: Stage, signal: AbortSignal): Promise<void> {
  const { connections } = stage.options.population;
  await until(() => stage.fleet.counts().established >= connections, "everybody to be back", signal);
}

async function until(isSo: () => boolean, what: string, signal: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + DEADLINE_MS;
  // Once more than it takes for counts to be told.
  await wait(2 * LOOK_EVERY_MS, undefined, { signal });
  while (!isSo()) {
    if (performance.now() > deadlineMs) throw new Error(`waited ${DEADLINE_MS / 1_000} s for ${what}`);
    await wait(LOOK_EVERY_MS, undefined, { signal });
  }
}
