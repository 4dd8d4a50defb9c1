import { generatorsFor } from "../../../bench/load/fleet.ts";
import { judgePreflight, type RunPlan } from "../../../bench/machine/preflight.ts";
import { readForPreflight } from "../../../bench/machine/preflight-readings.ts";
import type { Sized } from "../../../bench/sizes.ts";
import { CommandFailed, exitCode } from "../exit-codes.ts";
import type { Host } from "../host.ts";

/** Whether this machine can hold the largest of the scenarios; throws with the exact fix where it can't. */
export async function preflight(
  { stderr }: Host,
  sized: readonly Sized[],
  where: Pick<RunPlan, "hubHere" | "sides">,
): Promise<void> {
  const connections = Math.max(...sized.map(({ size }) => size.connections));
  const plan = { ...where, connections, generators: generatorsFor(connections) };
  const findings = judgePreflight(plan, await readForPreflight());
  for (const { level, what, fix } of findings) {
    if (level === "warning") stderr.write(`warning: ${what}; ${fix}\n`);
  }
  const refusals = findings.filter(({ level }) => level === "refusal");
  if (refusals.length === 0) return;
  const lines = refusals.map(({ what, fix }) => `${what}; ${fix}`);
  throw new CommandFailed(exitCode.usage, lines.join("\n"));
}
