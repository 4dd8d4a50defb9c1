import { Socket as NetSocket } from "node:net";
import type { Socket as EngineSocket, Transport as EngineTransport } from "engine.io";
import type { Socket } from "socket.io";
import type { OutMessage } from "../engine/contract.ts";
import { framedOnce } from "./frames.ts";
import type { Control, Ending, Transport, TransportEvents } from "./transport.ts";
import { wrappedBytes, writeChunk } from "./wire-chunk.ts";

/** The packet of Socket.IO's default namespace: type EVENT (2), then the array of name and arguments. */
const packetTextOf = ({ type, json }: OutMessage) => `2["${type}",${json}]`;
/** engine.io puts its own type MESSAGE (4) before it; in a frame that is made here it has to be there already. */
const framesOf = framedOnce((message) => `4${packetTextOf(message)}`);
/** Shared by all packets: engine.io only reads it. */
const UNCOMPRESSED = { compress: false };

/**
 * Socket.IO's packets, pre-encoded: as frames to the socket below where there is a WebSocket and nothing waits in
 * engine.io, which would be overtaken; else to engine.io. Bytes are counted from here to the kernel: in engine.io's
 * write buffer, and below it in the WebSocket's socket, or with long-polling until the client comes for more, which
 * proves that it has read the last answer.
 */
export class SocketIoTransport implements Transport {
  readonly kind = "socketio";
  readonly #socket: Socket;
  readonly #conn: EngineSocket;
  #events: TransportEvents = { drained: () => {}, closed: () => {} };
  readonly #onTaken = () => this.#events.drained();
  /** Packets, ours or Socket.IO's own, are in engine.io's write buffer, or may be: what was before us we have not seen. */
  #mayWait = true;
  /** Of ours in it. */
  #waitingBytes = 0;
  /** In a long-polling answer. */
  #answeredBytes = 0;
  /** Below the WebSocket; null: long-polling. */
  #below: NetSocket | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#conn = socket.conn;
  }

  carry(events: TransportEvents): void {
    this.#events = events;
    this.#conn.on("flush", () => {
      if (this.#below === null) this.#answeredBytes = this.#waitingBytes;
      this.#waitingBytes = 0;
      this.#mayWait = false;
    });
    this.#conn.on("packetCreate", () => {
      this.#mayWait = true;
    });
    this.#conn.on("upgrade", (transport: EngineTransport) => {
      this.#watch(transport);
      // The last answer was read, or the client could not have upgraded; no poll will come to say so.
      events.drained();
    });
    this.#watch(this.#conn.transport);
    this.#socket.on("disconnect", () => {
      events.closed();
      // A client that left the namespace has nothing more to do here.
      this.#conn.close();
    });
  }

  write(messages: readonly OutMessage[]): void {
    const below = this.#below;
    if (below === null || this.#mayWait) this.#writePackets(messages);
    // Once it closes, engine.io takes nothing more either.
    else if (this.#conn.readyState === "open") writeChunk(below, framesOf(messages), this.#onTaken);
  }

  #writePackets(messages: readonly OutMessage[]): void {
    const last = messages.length - 1;
    this.#together(() => {
      messages.forEach((message, index) => {
        const packet = packetTextOf(message);
        this.#put(packet, wrappedBytes(packet, message), index === last);
      });
    });
  }

  control(message: Control): void {
    const packet = `2["${message.type}",${JSON.stringify(message)}]`;
    this.#together(() => this.#put(packet, packet.length, true));
  }

  bufferedBytes(): number {
    return this.#waitingBytes + this.#answeredBytes + (this.#below?.writableLength ?? 0);
  }

  end(ending: Ending): void {
    if (ending.afterMs !== null) this.control({ type: "reconnect", afterMs: ending.afterMs });
    if (ending.closeCode !== null) {
      const packet = `2["closing",{"type":"closing","code":${ending.closeCode}}]`;
      this.#together(() => this.#put(packet, packet.length, true));
    }
    // The stock client comes back from a lost engine connection, and stays away after a disconnect packet.
    if (ending.comesBack) this.#conn.close();
    else this.#socket.disconnect(true);
  }

  terminate(): void {
    this.#conn.close(true);
    this.#below?.destroy();
  }

  #together(write: () => void): void {
    // engine.io waits for the last write's callback, a turn of the event loop later even when the kernel took all of
    // it at once. ws needs no such wait, and what is too much is ours to judge.
    if (this.#below !== null) this.#conn.transport.writable = true;
    this.#below?.cork();
    write();
    this.#below?.uncork();
  }

  // engine.io flushes at the first write it can: held back, all of them go to the transport together.
  #put(packet: string, bytes: number, isLast: boolean): void {
    const { transport } = this.#conn;
    const { writable } = transport;
    this.#waitingBytes += bytes;
    if (!isLast) transport.writable = false;
    this.#conn.write(packet, UNCOMPRESSED);
    if (!isLast) transport.writable = writable;
  }

  #watch(transport: EngineTransport): void {
    this.#below = netSocketOf(transport);
    this.#answeredBytes = 0;
    // Ours first: what engine.io flushes into this new poll must be counted after it.
    transport.prependListener("ready", () => {
      this.#answeredBytes = 0;
    });
    transport.on("ready", () => this.#events.drained());
  }
}

/** engine.io keeps the WebSocket of a transport, and ws its socket, without a public name for either. */
export function netSocketOf(transport: EngineTransport): NetSocket | null {
  const client: unknown = Reflect.get(transport, "socket");
  if (typeof client !== "object" || client === null) return null;
  const socket: unknown = Reflect.get(client, "_socket");
  return socket instanceof NetSocket ? socket : null;
}
