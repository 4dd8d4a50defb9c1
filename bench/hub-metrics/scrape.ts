import { parseMetrics, type Scrape } from "../../src/metrics/parse.ts";

const DEADLINE_MS = 5_000;

/** Asks the internal listener. Rejects when it does not answer in 5 s, or not with 200. */
export async function scrapeHub(internalUrl: string): Promise<Scrape> {
  const response = await fetch(`${internalUrl}/metrics`, { signal: AbortSignal.timeout(DEADLINE_MS) });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${internalUrl}/metrics: ${response.status} ${text}`);
  return parseMetrics(text);
}
