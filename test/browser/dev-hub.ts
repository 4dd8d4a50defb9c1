import { type Cluster, startCluster } from "../faults/cluster.ts";

export interface DevHub extends Cluster {
  /** Of the user demo. */
  readonly token: string;
}

/** The built program as `serve --dev`, with two gateways. */
export async function startBuiltDevHub(): Promise<DevHub> {
  const hub = await startCluster("--workers", "2", "--dev");
  const response = await fetch(`${hub.publicUrl}/dev/session`);
  const { token } = (await response.json()) as { token: string };
  return Object.assign(hub, { token });
}
