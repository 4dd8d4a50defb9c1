import type { Logger } from "pino";
import type { SigningKeys } from "../auth/mint.ts";
import type { Settings } from "../config/schema.ts";
import type { ClientAddress } from "./client-address.ts";
import type { ConnectionParts } from "./connection.ts";
import type { Handshakes } from "./handshakes.ts";
import type { Peers } from "./peers.ts";

/** What the gateway reads of the settings. Durations in milliseconds, sizes in bytes. */
export type GatewaySettings = Pick<
  Settings,
  | "host"
  | "port"
  | "corsOrigins"
  | "trustedProxies"
  | "tlsCert"
  | "tlsKey"
  | "transports"
  | "heartbeatInterval"
  | "heartbeatTimeout"
  | "connectTimeout"
  | "sseMaxAge"
  | "slowBuffer"
  | "slowTimeout"
  | "maxBuffered"
  | "drainTimeout"
  | "maxConnections"
  | "ui"
  | "dev"
  | "ingestToken"
  | keyof SigningKeys
>;

/** What the ways in share; made once by `startGateway`. */
export interface GatewayParts extends ConnectionParts {
  readonly settings: GatewaySettings;
  readonly handshakes: Handshakes;
  readonly addresses: ClientAddress;
  /** The other gateways of this machine; null: alone. */
  readonly peers: Peers | null;
  readonly log: Logger;
  /** How long there has been no link to the core; 0: there is one, or no need of one. */
  readonly unlinkedMs: () => number;
}
