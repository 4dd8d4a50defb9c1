import type { Logger } from "pino";
import type { Connection } from "./connection.ts";
import type { Ending } from "./transport.ts";

/** Why a connection is gone. `client`: it went by itself, or its network did. `close`: the gateway was closed. */
export type Farewell = Pick<Ending, "closeCode"> & {
  readonly reason: Ending["reason"] | "client" | "pong_missing" | "close";
};

/** What the log is told of connections; one for all, and no logger for each, since there are many. */
export class ConnectionLog {
  readonly #log: Logger;
  readonly #gateway: string;

  /** `gateway`: its name, the first part of every id. */
  constructor(log: Logger, gateway: string) {
    this.#log = log;
    this.#gateway = gateway;
  }

  /** `address`: of its client; null: not known. */
  opened(connection: Connection, jobId: string | null, address: string | null): void {
    const at = { ...(jobId !== null && { jobId }), ...(address !== null && { address }) };
    this.#log.debug({ ...this.#of(connection), ...at }, "connection opened");
  }

  closed(connection: Connection, { reason, closeCode }: Farewell, ms: number): void {
    const seconds = Math.round(ms) / 1_000;
    this.#log.debug({ ...this.#of(connection), reason, closeCode, seconds }, "connection closed");
  }

  /** Before its buffers go. */
  tooSlow(connection: Connection): void {
    const { bufferedBytes } = connection;
    this.#log.info({ ...this.#of(connection), bufferedBytes }, "closing a connection that reads too slowly");
  }

  #of({ memberId, kind, userId }: Connection): object {
    return { connection: `${this.#gateway}:${memberId}`, transport: kind, userId };
  }
}
