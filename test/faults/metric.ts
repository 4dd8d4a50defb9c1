import type { Cluster } from "./cluster.ts";

/** What `/metrics` says now of one that is a number; `labels` as they are written there. Throws where there is none. */
export async function metricOf({ internalUrl }: Cluster, name: string, labels = ""): Promise<number> {
  const text = await (await fetch(`${internalUrl}/metrics`)).text();
  const start = `progress_hub_${name}${labels} `;
  const line = text.split("\n").find((one) => one.startsWith(start));
  if (line === undefined) throw new Error(`there is no ${start}among the metrics`);
  return Number(line.slice(start.length));
}
