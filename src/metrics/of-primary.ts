import type { HandoverStats } from "../cluster/handover.ts";
import type { Source } from "./registry.ts";

/** What supervision sees. */
export interface Supervision {
  readonly gatewaysWanted: number;
  readonly restarts: Readonly<Record<"core" | "gateway", number>>;
  readonly handovers: Readonly<Record<"public" | "internal", HandoverStats>>;
}

export function metricsOfPrimary(look: () => Supervision): Source {
  return (readings) => {
    const { gatewaysWanted, restarts, handovers } = look();
    readings.set("gateways_wanted", {}, gatewaysWanted);
    for (const [kind, count] of Object.entries(restarts)) readings.set("restarts_total", { kind }, count);
    for (const [listener, { handed, waiting, dropped }] of Object.entries(handovers)) {
      readings.set("handovers_total", { listener }, handed);
      readings.set("handovers_waiting", { listener }, waiting);
      readings.set("handovers_dropped_total", { listener }, dropped);
    }
  };
}
