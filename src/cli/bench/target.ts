import { type Hubs, startHubs } from "../../../bench/target/hubs.ts";
import { remoteTarget } from "../../../bench/target/remote.ts";
import { spawnTarget } from "../../../bench/target/spawned.ts";
import type { Target } from "../../../bench/target/target.ts";
import { redisUrlProblem } from "../../redis/url.ts";
import { CommandFailed, exitCode } from "../exit-codes.ts";
import type { Host } from "../host.ts";
import { baseUrl, wholeNumber } from "../options.ts";
import { requireReachable } from "../reach.ts";
import { readSecrets, type SecretFlags } from "../secrets.ts";

export interface TargetOptions extends SecretFlags {
  readonly workers?: string;
  readonly redis?: string;
  readonly target?: string;
  readonly internal?: string;
}

interface ChosenTarget {
  readonly kind: Target["kind"];
  start(): Promise<Target>;
  /** So many hubs that share one Redis; null where there is none. Null: bench starts no hubs. */
  readonly startHubs: ((count: number) => Promise<Hubs | null>) | null;
}

export const MAX_WORKERS = 64;

/** What is to be measured. Throws unless one that runs already can be reached, which is tested here. */
export async function targetOf(host: Host, options: TargetOptions): Promise<ChosenTarget> {
  const { target, internal, workers, redis } = options;
  if (target === undefined && internal === undefined) {
    const wanted = workers === undefined ? null : wholeNumber("--workers", workers, 0, MAX_WORKERS);
    const problem = redis === undefined ? null : redisUrlProblem(redis);
    if (problem !== null) throw new CommandFailed(exitCode.usage, `--redis ${problem}`);
    const flags = redis === undefined ? [] : ["--redis", redis];
    return {
      kind: "hub",
      start: () => spawnTarget({ kind: "hub", workers: wanted, flags }),
      startHubs: (count) => startHubs(count, { workers: wanted, redisUrl: redis ?? null }),
    };
  }
  if (target === undefined || internal === undefined) {
    throw new CommandFailed(exitCode.usage, "--target and --internal belong together; give both or neither");
  }
  if (workers !== undefined) {
    throw new CommandFailed(exitCode.usage, "--workers is for a hub that bench starts; leave it out");
  }
  if (redis !== undefined) {
    throw new CommandFailed(exitCode.usage, "--redis is for hubs that bench starts; leave it out");
  }
  const publicUrl = baseUrl("--target", target);
  const internalUrl = baseUrl("--internal", internal);
  await requireReachable(publicUrl, "--target");
  await requireReachable(internalUrl, "--internal");
  const secrets = secretsOf(host, options);
  return {
    kind: "remote",
    start: async () => remoteTarget({ publicUrl, internalUrl, ...secrets }),
    startHubs: null,
  };
}

function secretsOf(host: Host, flags: SecretFlags): Pick<Target, "jwtSecret" | "ingestToken"> {
  const settings = readSecrets(host, flags, ["ingestToken", "jwtSecret"]);
  const [ingest, jwt] = [settings.ingestToken[0], settings.jwtSecret[0]];
  if (ingest !== undefined && jwt !== undefined) return { ingestToken: ingest, jwtSecret: jwt };
  const missing = ingest === undefined ? "--ingest-token" : "--jwt-secret";
  throw new CommandFailed(exitCode.usage, `${missing} is missing; take it from the hub's settings`);
}
