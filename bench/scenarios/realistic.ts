import { countText } from "../count-text.ts";
import { userCount } from "../load/population.ts";
import { counter, gauge } from "../metric.ts";
import type { LoadOutcome } from "../running-load.ts";
import type { Scenario } from "./scenario.ts";
import { measuredOf } from "./steady-load.ts";

/** The same uploads every time. */
const SEED = 1;
const PHOTOS = 6;
const PARALLEL = 3;
const SPEED = 2;

export const realistic: Scenario = {
  id: "realistic",
  about: "uploads as people make them: of all sizes and speeds, three at a time, some of which fail",
  async *run(bench) {
    const { connections, connectPerSecond, warmUpMs, measureMs } = bench.size;
    yield await bench.fresh({ connections, connectPerSecond }, async (stage) => {
      await stage.connect(this.id);
      await stage.connectCanaries();
      const users = userCount(stage.options.population);
      const scheduled = stage.scheduleSimulated({
        ...{ scenario: this.id, warmUpMs, measureMs, seed: SEED, users },
        ...{ photosPerJob: PHOTOS, parallelUploads: PARALLEL, speed: SPEED },
      });
      const outcome = await stage.put(scheduled);
      const eventsPerSecond = Math.round((outcome.emitted.sentInWindow * 1_000) / measureMs);
      const measured = measuredOf(stage, { eventsPerSecond, measureMs }, outcome, {
        variant: null,
        title: `${countText(users)} users upload ${PHOTOS} photos each, ${PARALLEL} at a time, for ${measureMs / 1_000} s`,
      });
      const metrics = new Map([...measured.metrics, ...simulatedMetrics(outcome)]);
      // Events are merged here by design, and only messages of photos have a time, which the jobs' cost CPU as well.
      for (const name of ["merged", "cpu_per_message"]) metrics.delete(name);
      return { ...measured, metrics };
    });
  },
};

function simulatedMetrics({ judged, companions }: LoadOutcome) {
  const all = [judged, ...companions.values()].flatMap(({ simulated }) => simulated ?? []);
  const sum = (of: (counts: (typeof all)[number]) => number) =>
    all.reduce((total, counts) => total + of(counts), 0);
  return [
    ["conflation_ratio", gauge(sum(({ events }) => events) / sum(({ photoMessages }) => photoMessages))],
    ["endings_lost", counter(sum(({ endingsLost }) => endingsLost))],
    ["untrue", counter(sum(({ untrue }) => untrue))],
  ] as const;
}
