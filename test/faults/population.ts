import type { Agent } from "node:http";
import type { ClientKind } from "../../simulator/oracle/client-record.ts";
import type { Oracle } from "../../simulator/oracle/oracle.ts";
import { type Population, populationOf } from "../../simulator/oracle/population.ts";
import { tokenFor } from "./cluster.ts";

export { DEAF_MS, type Population, STREAMS } from "../../simulator/oracle/population.ts";

interface PopulationOptions {
  readonly publicUrl: string;
  readonly oracle: Oracle;
  readonly users: number;
  /** Of each user; the kinds are dealt out to all devices in turn. */
  readonly devicesPerUser: number;
  readonly kinds: readonly ClientKind[];
  /** Of the HTTP requests of Socket.IO. */
  readonly agent?: Agent;
}

const populations = new Set<Population>();

/** For `afterEach`. */
export function closePopulations(): void {
  for (const population of populations) population.close();
  populations.clear();
}

export function userOf(index: number): string {
  return `user-${index}`;
}

/** Connects all of them, a wave at a time. */
export async function populate({ users, ...options }: PopulationOptions): Promise<Population> {
  const population = populationOf({
    ...options,
    userIds: Array.from({ length: users }, (_, index) => userOf(index)),
    tokenOf: tokenFor,
  });
  populations.add(population);
  await population.connect();
  return population;
}
