import { createLogUpdate } from "log-update";
import { spawnTarget } from "../../../bench/target/spawned.ts";
import { tokenFor } from "../../../bench/token.ts";
import { type ChaosProxy, startChaos } from "../../../simulator/chaos/proxy.ts";
import { type Awaited, type Judgement, Verification } from "../../../simulator/verify.ts";
import { CommandFailed, type ExitCode, exitCode } from "../exit-codes.ts";
import type { Host, Output } from "../host.ts";
import { requireToken } from "../mint.ts";
import { baseUrl, wholeNumber } from "../options.ts";
import { requireReachable } from "../reach.ts";
import { readSecrets, type SecretFlags } from "../secrets.ts";
import { styled } from "../watch/text.ts";

export interface VerifyFlags extends Pick<SecretFlags, "jwtSecret"> {
  readonly verify?: boolean;
  readonly embedded?: boolean;
  readonly chaos?: boolean;
  readonly devices: string;
  readonly url: string;
}

/** A hub to simulate into and to look at. */
export interface SimulatedHub {
  readonly publicUrl: string;
  readonly internalUrl: string;
  readonly ingestToken: string;
  readonly tokenOf: (userId: string) => string;
  readonly expireMs: number;
  stop(): Promise<void>;
}

/** What clients need of one. */
type WatchedHub = Pick<SimulatedHub, "publicUrl" | "tokenOf"> & Partial<Pick<SimulatedHub, "expireMs">>;

/** As many gateways as make sessions, resumes and fan-out cross processes. */
const EMBEDDED_WORKERS = 2;
const TTL_MS = 6 * 60 * 60 * 1_000;
const MAX_DEVICES = 20;

/** What says where another hub is. */
const OF_ANOTHER_HUB = ["internal", "ingestToken", "redis", "redisStream", "url", "jwtSecret"] as const;

/** `isGiven`: on the command line, not by default. */
export function refuseUnfit(
  { verify, embedded, chaos, devices }: VerifyFlags,
  isGiven: (option: string) => boolean,
): void {
  wholeNumber("--devices", devices, 1, MAX_DEVICES);
  const other = embedded === true ? OF_ANOTHER_HUB.find(isGiven) : undefined;
  if (other !== undefined) {
    const flag = `--${other.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    throw new CommandFailed(exitCode.usage, `--embedded starts a hub of its own; leave it out, or ${flag}`);
  }
  const alone = chaos === true ? "--chaos" : "--embedded";
  if (verify !== true && (chaos === true || embedded === true)) {
    throw new CommandFailed(exitCode.usage, `${alone} is a part of --verify; give that too`);
  }
}

/**
 * So short that what nobody tells of any more has ended before the verdict, and longer than most tunnels: an upload that comes
 * out of one later goes on as another attempt.
 */
const EXPIRE_MS = 30_000;
const GRACE_MS = 8_000;

/** One of its own, with state of its own, that is gone afterwards. */
export async function embeddedHub(): Promise<SimulatedHub> {
  const flags = [
    "--expire-after",
    `${EXPIRE_MS}ms`,
    "--retry-grace",
    `${GRACE_MS}ms`,
    "--job-idle",
    `${GRACE_MS}ms`,
  ];
  const target = await spawnTarget({ kind: "hub", workers: EMBEDDED_WORKERS, flags });
  return {
    publicUrl: target.publicUrls[0] ?? "",
    internalUrl: target.internalUrl,
    ingestToken: target.ingestToken,
    tokenOf: (userId) => tokenFor(userId, target.jwtSecret),
    expireMs: EXPIRE_MS,
    stop: () => target.stop(),
  };
}

/** What its clients need of a hub that runs; throws where it can't be reached, or there is no secret for tokens. */
export async function clientsOf(
  host: Host,
  flags: VerifyFlags,
): Promise<Pick<SimulatedHub, "publicUrl" | "tokenOf">> {
  const publicUrl = baseUrl("--url", flags.url);
  await requireReachable(publicUrl, "--url");
  return { publicUrl, tokenOf: tokensOf(host, flags) };
}

/** Throws where there is no secret to sign them with. */
export function tokensOf(host: Host, flags: Pick<VerifyFlags, "jwtSecret">): SimulatedHub["tokenOf"] {
  const settings = readSecrets(host, flags, ["jwtSecret"]);
  requireToken(settings, "demo", TTL_MS);
  return (userId) => requireToken(settings, userId, TTL_MS);
}

/** Clients that watch, and what is between them and the hub. */
export class Watch {
  readonly verification: Verification;
  readonly #chaos: ChaosProxy | null;

  private constructor(verification: Verification, chaos: ChaosProxy | null) {
    this.verification = verification;
    this.#chaos = chaos;
  }

  static async open(
    flags: VerifyFlags,
    { publicUrl, tokenOf, expireMs }: WatchedHub,
    userIds: readonly string[],
    seed: number,
  ): Promise<Watch> {
    const devicesPerUser = wholeNumber("--devices", flags.devices, 1, MAX_DEVICES);
    const chaos = flags.chaos === true ? await startChaos(publicUrl, seed) : null;
    const clientsUrl = chaos?.url ?? publicUrl;
    const watch = new Watch(
      new Verification({
        ...{ clientsUrl, publicUrl, tokenOf, userIds, devicesPerUser },
        ...(expireMs !== undefined && { expireMs }),
      }),
      chaos,
    );
    await watch.verification.connect();
    return watch;
  }

  /** From now on the network is well, and the hub has time to come to its end. */
  async judge({ stdout }: Host, signal: AbortSignal): Promise<Judgement> {
    this.#chaos?.calm();
    const show = showAwaited(stdout);
    try {
      return await this.verification.judge(signal, show.awaited);
    } finally {
      show.close();
    }
  }

  async close(): Promise<void> {
    this.verification.close();
    await this.#chaos?.close();
  }

  /** Exit code: 1 where anything was found. */
  tell({ stdout, env }: Host, judgement: Judgement): ExitCode {
    const color = stdout.isTTY === true && (env.NO_COLOR ?? "") === "";
    const { examples, clients, messages, disconnects, endings } = judgement;
    const count = (value: number): string => value.toLocaleString("en-US");
    stdout.write(
      `${count(clients)} clients were shown ${count(messages)} messages, and lost their connection ${count(disconnects)} times; ` +
        `${count(endings)} endings were owed to each device of their user\n`,
    );
    if (this.#chaos !== null) {
      const fates = [...this.#chaos.counts].map(([name, times]) => `${count(times)} ${name}`).join(", ");
      stdout.write(`connections: ${fates}\n`);
    }
    const { progress, endings: seen } = this.verification.oracle.latency;
    stdout.write(
      `from sending to showing, p50 and p99, ms: progress ${progress.getValueAtPercentile(50)} and ${progress.getValueAtPercentile(99)}, ` +
        `endings ${seen.getValueAtPercentile(50)} and ${seen.getValueAtPercentile(99)}\n`,
    );
    const found = KINDS_OF_FINDING.filter(([kind]) => judgement[kind] > 0);
    if (found.length === 0) {
      stdout.write(`${styled(" VERIFIED ", ["inverse", "green"], color)} nothing was ${LIST}\n`);
      return exitCode.done;
    }
    const counts = found.map(([kind, words]) => `${count(judgement[kind])} ${words}`).join(", ");
    stdout.write(`${styled(" FOUND ", ["inverse", "red"], color)} ${counts}\n`);
    for (const example of examples) stdout.write(`${styled("✗", "red", color)} ${example}\n`);
    return exitCode.failed;
  }
}

const PLAIN_EVERY_MS = 5_000;

/** A line that changes on a terminal, and one now and then elsewhere. */
function showAwaited(out: Output): { awaited(what: Awaited): void; close(): void } {
  const update = out.isTTY === true ? createLogUpdate(out) : null;
  let nextMs = 0;
  return {
    awaited: (what) => {
      if (update !== null) update(awaitedText(what));
      else if (performance.now() >= nextMs) {
        out.write(`${awaitedText(what)}\n`);
        nextMs = performance.now() + PLAIN_EVERY_MS;
      }
    },
    close: () => update?.clear(),
  };
}

function awaitedText({ leftMs, missing, lost, untrue, open }: Awaited): string {
  const counts = [
    [missing, "clients to come back"],
    [lost, "endings to be shown"],
    [untrue, "views to come true"],
    [open, "uploads to end that nobody tells of any more"],
  ] as const;
  const rest = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return `no more is sent; for ${Math.ceil(leftMs / 1_000)} s at most, waiting for ${rest.join(", ")}`;
}

const KINDS_OF_FINDING = [
  ["lost", "lost"],
  ["foreign", "foreign"],
  ["disordered", "disordered"],
  ["fallen", "going backwards"],
  ["repeated", "repeated"],
  ["malformed", "malformed"],
  ["untrue", "untrue in the end"],
] as const;
const LIST = new Intl.ListFormat("en", { type: "disjunction" }).format(
  KINDS_OF_FINDING.map(([, words]) => words),
);
