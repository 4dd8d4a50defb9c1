import type { Socket } from "node:net";
import type { Random } from "../random.ts";
import type { Fate } from "./fate.ts";

interface Piece {
  readonly bytes: Buffer;
  readonly dueMs: number;
}

/** So much of what the server sent is held here; then it is not read from any more, as by a client that does not read. */
const MOST_HELD_BYTES = 64 * 1_024;
/** Only so much of what comes at once is cut into small pieces: enough for a whole message or two. */
const SLICED_BYTES = 512;

/** One connection through the proxy: what its fate says is done to what the server sends. */
export class ChaosLine {
  readonly fate: Fate;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #random: Random;
  readonly #pieces: Piece[] = [];
  readonly #timers: NodeJS.Timeout[] = [];
  #heldBytes = 0;
  #pump: NodeJS.Timeout | null = null;
  #isDeaf = false;
  #isEnded = false;

  constructor(client: Socket, server: Socket, fate: Fate, random: Random) {
    this.fate = fate;
    this.#client = client;
    this.#server = server;
    this.#random = random;
    const { cutAfterMs, deafAfterMs } = fate;
    if (cutAfterMs !== null) this.#timers.push(setTimeout(() => this.cut(), cutAfterMs));
    if (deafAfterMs !== null) {
      this.#timers.push(
        setTimeout(() => {
          this.#isDeaf = true;
        }, deafAfterMs),
      );
    }
    client.on("data", (bytes) => {
      if (!this.#isDeaf) server.write(bytes);
    });
    server.on("data", (bytes) => this.#take(bytes));
    client.on("error", () => undefined);
    server.on("error", () => undefined);
    client.on("close", () => this.#end());
    server.on("close", () => this.#finish());
  }

  /** Resets it, in the middle of whatever is on its way. */
  cut(): void {
    if (this.#isEnded) return;
    this.#client.resetAndDestroy();
    this.#end();
  }

  #take(bytes: Buffer): void {
    if (this.#isDeaf) return;
    const dueMs = performance.now() + this.fate.delayMs;
    this.#heldBytes += bytes.length;
    for (const piece of this.#slices(bytes)) this.#pieces.push({ bytes: piece, dueMs });
    if (this.#heldBytes > MOST_HELD_BYTES) this.#server.pause();
    this.#pump ??= setTimeout(() => this.#forward(), this.fate.delayMs);
  }

  *#slices(bytes: Buffer): Generator<Buffer> {
    const { sliceBytes } = this.fate;
    let at = 0;
    while (sliceBytes > 0 && at < Math.min(SLICED_BYTES, bytes.length)) {
      const next = at + this.#random.integer(1, sliceBytes);
      yield bytes.subarray(at, next);
      at = next;
    }
    if (at < bytes.length) yield bytes.subarray(at);
  }

  /** One piece, and then the next in its time. */
  #forward(): void {
    this.#pump = null;
    const piece = this.#pieces.shift();
    if (piece === undefined || this.#isEnded) return;
    if (!this.#isDeaf) this.#client.write(piece.bytes);
    this.#heldBytes -= piece.bytes.length;
    if (this.#heldBytes <= MOST_HELD_BYTES) this.#server.resume();
    const [next] = this.#pieces;
    if (next === undefined) {
      if (this.#server.destroyed) this.#client.end();
      return;
    }
    const { bytesPerSecond } = this.fate;
    const sendingMs = bytesPerSecond === 0 ? 0 : (piece.bytes.length * 1_000) / bytesPerSecond;
    this.#pump = setTimeout(() => this.#forward(), Math.max(sendingMs, next.dueMs - performance.now()));
  }

  /** The server has hung up: what it sent before still comes. */
  #finish(): void {
    if (this.#pieces.length === 0) this.#client.end();
  }

  #end(): void {
    this.#isEnded = true;
    for (const timer of this.#timers) clearTimeout(timer);
    if (this.#pump !== null) clearTimeout(this.#pump);
    this.#server.destroy();
    this.#client.destroy();
  }
}
