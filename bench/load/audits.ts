import { isSimulated, type Schedule } from "../schedule/schedule.ts";
import { placesOf } from "../schedule/steady.ts";
import { Audit, type AuditRules, type ClientAudit } from "./audit.ts";
import { SimulatedAudit, type SimulatedCounts } from "./simulated-audit.ts";

/**
 * Makes the audit of a client of this user; null: the user has no part in the load. `fromUs`: when the warm-up is over, in
 * microseconds of the run.
 */
export function auditsOf(
  schedule: Schedule,
  rules: AuditRules,
  fromUs: number,
): (user: number) => ClientAudit | null {
  if (isSimulated(schedule)) {
    return (user) => (user < schedule.users ? new SimulatedAudit(schedule, user, rules) : null);
  }
  const places = placesOf(schedule);
  return (user) => {
    const place = places[user];
    return place === undefined ? null : new Audit(schedule, user, place, rules, fromUs);
  };
}

/** Of all simulated jobs; null: there were none. */
export function simulatedOf(audits: readonly ClientAudit[]): SimulatedCounts | null {
  const all = audits.flatMap((audit) => (audit instanceof SimulatedAudit ? [audit.simulated] : []));
  return addSimulated(all);
}

export function addSimulated(all: readonly SimulatedCounts[]): SimulatedCounts | null {
  const sum = (of: (counts: SimulatedCounts) => number) =>
    all.reduce((total, counts) => total + of(counts), 0);
  if (all.length === 0) return null;
  return {
    events: sum(({ events }) => events),
    photoMessages: sum(({ photoMessages }) => photoMessages),
    endingsLost: sum(({ endingsLost }) => endingsLost),
    untrue: sum(({ untrue }) => untrue),
  };
}
