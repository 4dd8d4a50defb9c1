import { TRANSPORTS, type Transport } from "../transports.ts";

/** Who is connected, as a pure function of the client's number: generators take slices of it. */
export interface Population {
  /** Begins the ids of all users. */
  readonly run: string;
  readonly connections: number;
  /** Users 0 and on that have several devices each; every other has one. */
  readonly usersWithDevices: number;
  readonly devices: number;
  /** Transports that clients take in turn. */
  readonly mix: readonly Transport[];
}

export interface PlannedClient {
  readonly user: number;
  readonly transport: Transport;
}

export function clientAt(population: Population, client: number): PlannedClient {
  const { usersWithDevices, devices, mix } = population;
  const many = usersWithDevices * devices;
  const user = client < many ? Math.floor(client / devices) : usersWithDevices + client - many;
  // Somebody's devices are of all kinds that there are.
  const kinds = client < many ? TRANSPORTS.filter((transport) => mix.includes(transport)) : mix;
  return {
    user,
    transport: kinds[(client < many ? client % devices : client) % kinds.length] ?? "websocket",
  };
}

export function userCount({ connections, usersWithDevices, devices }: Population): number {
  return connections - usersWithDevices * (devices - 1);
}

/** From `from` up to but without `to`: what generator `index` of so many has. */
export function sliceOf(
  { connections }: Population,
  index: number,
  generators: number,
): { readonly from: number; readonly to: number } {
  const at = (generator: number) => Math.floor((connections * generator) / generators);
  return { from: at(index), to: at(index + 1) };
}

export function byTransport(population: Population): Record<Transport, number> {
  const counts = { socketio: 0, websocket: 0, sse: 0 };
  for (let client = 0; client < population.connections; client += 1) {
    counts[clientAt(population, client).transport] += 1;
  }
  return counts;
}

export function perTransport<Value>(make: (transport: Transport) => Value): Record<Transport, Value> {
  const [socketio, websocket, sse] = TRANSPORTS;
  return { socketio: make(socketio), websocket: make(websocket), sse: make(sse) };
}
