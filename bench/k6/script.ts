import { SharedArray } from "k6/data";
import exec from "k6/execution";
import type { Options } from "k6/options";
import { setTimeout } from "k6/timers";
import { type Arrivals, createArrivals } from "./arrivals.ts";
import { optionsOf } from "./options.ts";
import { firstOf, type K6Plan, type K6Transport, PLAN_VARIABLE, READY_MARK } from "./plan.ts";
import { openPolling } from "./polling.ts";
import type { Held } from "./socket.ts";
import { openSocketIo } from "./socketio.ts";
import { openWebSocket } from "./websocket.ts";

// What k6 runs: `PROGRESS_HUB_K6_PLAN=plan.json k6 run script.js`. No Node here: k6 is a runtime of its own.

const MS_PER_SECOND = 1_000;

const plan: K6Plan = JSON.parse(open(__ENV[PLAN_VARIABLE] ?? ""));
const tokens = new SharedArray<string>("tokens", () => JSON.parse(open(plan.tokensPath)));

export const options: Options = optionsOf(plan, Date.now());

export function socketio(): void {
  holdShare("socketio", (token, arrivals) => openSocketIo(plan.publicUrl, token, arrivals));
}

export function websocket(): void {
  holdShare("websocket", (token, arrivals) => openWebSocket(plan.publicUrl, token, arrivals));
}

export function polling(): void {
  holdShare("polling", (token, arrivals) => openPolling(plan.publicUrl, token, arrivals, plan.endUnixMs));
}

export function handleSummary(summary: unknown): Record<string, string> {
  return { [plan.summaryPath]: JSON.stringify(summary) };
}

/** What one VU holds of a transport: opened at the pace of all, closed at the end, which lets the iteration end. */
function holdShare(transport: K6Transport, connect: (token: string, arrivals: Arrivals) => Held): void {
  const beganMs = Date.now();
  const first = exec.scenario.iterationInTest * plan.connectionsPerVu;
  const count = Math.min(plan.connectionsPerVu, plan.connections[transport] - first);
  const held: Held[] = [];
  let missing = count;
  const onSynced = () => {
    missing -= 1;
    if (missing === 0) console.log(`${READY_MARK} ${transport} ${count}`);
  };
  for (let index = 0; index < count; index += 1) {
    const place = firstOf(plan, transport) + first + index;
    const token = tokens[place % tokens.length] ?? "";
    const delayMs = (place * MS_PER_SECOND) / plan.connectionsPerSecond;
    setTimeout(() => held.push(connect(token, createArrivals(transport, plan, onSynced))), delayMs);
  }
  setTimeout(() => {
    for (const connection of held) connection.close();
  }, plan.endUnixMs - beganMs);
}
