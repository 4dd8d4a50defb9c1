import { codeIn } from "../../client/transport.ts";
import { parseMetrics } from "../../metrics/parse.ts";
import type { Connections, Reading } from "./reading.ts";

const DEADLINE_MS = 4_000;
const LISTED_USERS = 10;

/** The hub does not take the token, or has none: nothing will come of asking again. */
export class Refused extends Error {
  override readonly name = "Refused";
}

/** All that the page shows, at one time. Rejects with Refused, or with what is wrong with the hub or the way to it. */
export async function askHub(token: string): Promise<Reading> {
  const [metrics, connections, ready] = await Promise.all([
    ask("/metrics"),
    ask(`/api/v1/admin/connections?limit=${LISTED_USERS}`, token),
    ask("/readyz"),
  ]);
  if (connections.status === 401) throw new Refused("The hub does not accept this admin token.");
  if (connections.status === 404)
    throw new Refused("This hub has no admin token: start it with --admin-token, and sign in with that.");
  for (const { status } of [metrics, connections]) {
    if (status !== 200) throw new Error(`it answered ${status}`);
  }
  return {
    monotonicMs: performance.now(),
    unixMs: Date.now(),
    metrics: parseMetrics(await metrics.text()),
    // What this hub answers by its OpenAPI; page and hub are of one build.
    connections: (await connections.json()) as Connections,
    unready: ready.ok ? null : await codeOf(ready),
  };
}

async function ask(path: string, token?: string): Promise<Response> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  try {
    return await fetch(path, {
      signal,
      ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
    });
  } catch (error) {
    throw new Error(signal.aborted ? `no answer within ${DEADLINE_MS / 1_000} s` : "it can't be reached", {
      cause: error,
    });
  }
}

async function codeOf(response: Response): Promise<string> {
  return codeIn(await response.json().catch(() => null)) ?? `status ${response.status}`;
}
