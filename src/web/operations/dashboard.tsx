import type { ReactElement } from "react";
import { Charts } from "./charts.tsx";
import { FaultList } from "./fault-list.tsx";
import { processesOf } from "./processes.ts";
import { GatewayTable, ProcessTable, UserTable } from "./tables.tsx";
import { Tiles } from "./tiles.tsx";
import type { Watched } from "./watched.ts";

export interface DashboardProps {
  readonly watched: Watched;
  /** The hub does not answer any more. */
  readonly isOld: boolean;
}

export function Dashboard({ watched, isOld }: DashboardProps): ReactElement {
  const { latest, figures, faults, openedMs, points } = watched;
  return (
    <div className="dashboard" data-old={isOld}>
      <Tiles watched={watched} />
      <FaultList faults={faults} openedMs={openedMs} />
      <Charts points={points} />
      <div className="pair">
        <ProcessTable rows={processesOf(latest, figures)} />
        <GatewayTable connections={latest.connections} />
      </div>
      <UserTable connections={latest.connections} />
      <p className="muted foot">
        Rates and ages are the mean of the last ten seconds. All of it, and more, is in{" "}
        <a href="/metrics">/metrics</a> for Prometheus.
      </p>
    </div>
  );
}
