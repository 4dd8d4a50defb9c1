import type { IncomingMessage } from "node:http";
import type { Logger } from "pino";
import type { ConnectionKind } from "../engine/presence.ts";
import { hubErrorOf } from "./answers.ts";
import type { ClientAddress } from "./client-address.ts";

/** Who came in and who did not, since the start; of refusals, a line in the log each. */
export class Handshakes {
  readonly #log: Logger;
  readonly #addresses: ClientAddress;
  readonly #results: Record<ConnectionKind, Map<string, number>> = {
    socketio: new Map([["ok", 0]]),
    websocket: new Map([["ok", 0]]),
    sse: new Map([["ok", 0]]),
    polling: new Map([["ok", 0]]),
  };

  constructor(log: Logger, addresses: ClientAddress) {
    this.#log = log;
    this.#addresses = addresses;
  }

  ok(transport: ConnectionKind): void {
    this.#count(transport, "ok");
  }

  /** What is no HubError counts as `internal_error`, and is told with its cause. */
  refused(transport: ConnectionKind, error: unknown, request: IncomingMessage): void {
    const { code, message } = hubErrorOf(error);
    this.#count(transport, code);
    const address = this.#addresses.of(request);
    if (code === "internal_error")
      this.#log.error({ err: error, transport, address }, "a connection failed to open");
    else this.#log.debug({ transport, code, detail: message, address }, "connection refused");
  }

  *entries(): Generator<{ readonly transport: string; readonly result: string; readonly count: number }> {
    for (const [transport, results] of Object.entries(this.#results))
      for (const [result, count] of results) yield { transport, result, count };
  }

  #count(transport: ConnectionKind, result: string): void {
    const results = this.#results[transport];
    results.set(result, (results.get(result) ?? 0) + 1);
  }
}
