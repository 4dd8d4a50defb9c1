import type { HubError } from "../../errors.ts";
import { unavailable } from "../../redis/errors.ts";

/** null: state can be kept in it. A Redis that throws keys away when it is full would lose state in silence. */
export function refusalOf(info: string): HubError | null {
  const version = /^redis_version:(\d+)\.(\S+)/m.exec(info);
  if (version !== null && Number(version[1]) < 7) {
    return unavailable(`is of version ${version[1]}.${version[2]}, and 7.0 is the oldest that will do`);
  }
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  if (policy === undefined || policy === "noeviction") return null;
  return unavailable(`would throw keys away when it is full (maxmemory-policy ${policy}, not noeviction)`);
}
