import { ErrorReply, MultiErrorReply } from "redis";
import { HubError } from "../errors.ts";

const RETRY_AFTER_SECONDS = 1;

/** Replies of a Redis that can't serve now, and may later, by their first word. */
const FOR_NOW =
  /^(?:LOADING|READONLY|OOM|MISCONF|CLUSTERDOWN|MASTERDOWN|TRYAGAIN|NOREPLICAS|BUSY|UNBLOCKED|NOAUTH|WRONGPASS)\b|^ERR max number of clients/;
/** A slot is on its way to another node of a cluster, and some of its keys are there already. */
const ON_ITS_WAY = "attempted to access a non local key in a cluster node";
/** Of those and others: this connection goes to a node that is no master any more. */
const DEMOTED = /^(?:READONLY|UNBLOCKED)\b/;

/** `store_unavailable`, to be tried again in a second. `reason`: for producers, free of addresses and secrets. */
export function unavailable(reason: string): HubError {
  return new HubError("store_unavailable", `Redis ${reason}.`, RETRY_AFTER_SECONDS);
}

/**
 * What befell a command, for the callers of the hub: a HubError `store_unavailable` for a connection that broke or
 * could not be made, for no answer in time, and for what Redis refuses for now. Any other error reply (WRONGTYPE,
 * NOGROUP, MOVED) and mistakes of the program are given back as they are.
 */
export function storeError(error: unknown): unknown {
  if (error instanceof HubError || error instanceof TypeError || error instanceof RangeError) return error;
  const reply = errorReplyOf(error);
  if (reply !== null) {
    if (reply.message.includes(ON_ITS_WAY)) return unavailable("moves the keys to another node");
    const [word = ""] = FOR_NOW.exec(reply.message) ?? [];
    return word === "" ? reply : unavailable(`refuses for now: ${word}`);
  }
  return unavailable(`can't be reached (${reasonOf(error)})`);
}

/** The reply says that the node is no master any more. */
export function isDemoted(error: unknown): boolean {
  return DEMOTED.test(errorReplyOf(error)?.message ?? "");
}

export function isReply(error: unknown, word: string): boolean {
  return errorReplyOf(error)?.message.startsWith(`${word} `) === true;
}

/** Where a node of a cluster sends the asker. `address`: its `host:port`; an empty host is that of the node itself. */
export interface Redirection {
  readonly kind: "MOVED" | "ASK";
  readonly address: string;
}

/** null: the error is none. */
export function redirectionOf(error: unknown): Redirection | null {
  const [, kind, address] = /^(MOVED|ASK) \d+ (\S+)$/.exec(errorReplyOf(error)?.message ?? "") ?? [];
  if ((kind !== "MOVED" && kind !== "ASK") || address === undefined) return null;
  return { kind, address };
}

/** Of a transaction the one reply that says why, if there is one that says more than that it was given up. */
function errorReplyOf(error: unknown): Error | null {
  if (error instanceof MultiErrorReply) return error.replies[0] ?? error;
  return error instanceof ErrorReply ? error : null;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown error";
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return code === "" ? error.message || error.constructor.name : code;
}
