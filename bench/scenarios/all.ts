import { connect } from "./connect.ts";
import { cost } from "./cost.ts";
import { ingest } from "./ingest.ts";
import { k6 } from "./k6.ts";
import { ladder } from "./ladder.ts";
import { latency } from "./latency.ts";
import { realistic } from "./realistic.ts";
import { restart } from "./restart.ts";
import { scaleOut } from "./scale-out.ts";
import type { Scenario } from "./scenario.ts";
import { slow } from "./slow.ts";
import { storm } from "./storm.ts";
import { userRate } from "./user-rate.ts";

/** In the order in which they run: those that share a population together. */
export const SCENARIOS: readonly Scenario[] = [
  connect,
  latency,
  userRate,
  k6,
  ladder,
  storm,
  slow,
  restart,
  ingest,
  scaleOut,
  realistic,
  cost,
];
