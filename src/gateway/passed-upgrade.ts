import type { IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { HubError } from "../errors.ts";
import type { Leaving } from "./drain.ts";
import { noAnswer } from "./pass-on-failure.ts";
import type { Timed, Wheel } from "./wheel.ts";

const NEVER = Number.POSITIVE_INFINITY;
/** Time for the other side to take what is left for it, once one has gone. */
const CLOSE_GRACE_MS = 5_000;
/** Of the frames with which a client of engine.io moves to its WebSocket: `2probe`, then `5`, both masked. */
const MOVING_BYTES = 12 + 7;

export interface UpgradePassage {
  readonly wheel: Wheel;
  readonly socketPath: string;
  /** Until the owner's first byte. */
  readonly answerTimeoutMs: number;
  /** For a client to take what lies here for it; the owner holds its connection and closes it before that. */
  readonly slowTimeoutMs: number;
  /** Nothing was answered, and this is why; the client's socket is the caller's again. null: closed without a word. */
  failed(error: Error | null): void;
  /** Neither socket is there any more, or the client's was given back. */
  closed(): void;
}

/**
 * An upgrade passed on to the gateway that has its session: the bytes of both, as they come, and no more of them here
 * than one read and one stream buffer a side. States: waiting (for the owner's first byte) -> open -> ending -> closed.
 */
export class PassedUpgrade implements Timed, Leaving {
  dueMs = NEVER;
  readonly #client: Duplex;
  readonly #owner: Socket;
  readonly #passage: UpgradePassage;
  #state: "waiting" | "open" | "ending" | "closed" = "waiting";
  readonly #headBytes: number;
  #error: Error | null = null;

  constructor(request: IncomingMessage, client: Duplex, head: Buffer, passage: UpgradePassage) {
    this.#client = client;
    this.#passage = passage;
    this.#owner = connect({ path: passage.socketPath });
    const headText = headTextOf(request);
    this.#headBytes = headText.length;
    this.#owner.write(headText, "latin1");
    if (head.length > 0) this.#owner.write(head);
    this.#schedule(passage.answerTimeoutMs);
    this.#owner.on("error", (error) => {
      this.#error ??= error;
    });
    this.#owner.on("data", (chunk) => this.#relay(chunk));
    client.on("drain", this.#onDrain);
    client.once("end", this.#onEnd);
    client.once("close", this.#onClose);
    client.pipe(this.#owner);
    this.#owner.once("close", () => this.#ownerClosed());
  }

  /** Bytes for the client that the kernel has not taken. */
  get bufferedBytes(): number {
    return this.#client.writableLength;
  }

  get isClosed(): boolean {
    return this.#state === "closed";
  }

  /** A stock client that has stopped polling and not moved yet would wait for the end of its heartbeat: 45 s. */
  get isSettling(): boolean {
    return this.#owner.bytesWritten - this.#headBytes < MOVING_BYTES;
  }

  /** Nothing can be said between the frames of someone else. */
  tell(): void {}

  /** The stock client takes it for a lost network, and comes back by itself. */
  end(): void {
    this.#owner.destroy(this.#state === "waiting" ? new HubError("draining") : undefined);
  }

  terminate(): void {
    if (this.#state === "waiting") this.#state = "ending";
    this.#owner.destroy();
    this.#client.destroy();
  }

  onDue(): number {
    if (this.#state === "waiting") this.#owner.destroy(noAnswer());
    else this.terminate();
    return NEVER;
  }

  // By hand where `pipe` would do, to see a client that does not read: its end hides behind what it leaves unread.
  #relay(chunk: Buffer): void {
    if (this.#state === "waiting") {
      this.#state = "open";
      this.#passage.wheel.cancel(this);
    }
    if (this.#client.write(chunk)) return;
    this.#owner.pause();
    if (this.#state === "open") this.#schedule(this.#passage.slowTimeoutMs + CLOSE_GRACE_MS);
  }

  readonly #onDrain = () => {
    if (this.#state === "open") this.#passage.wheel.cancel(this);
    this.#owner.resume();
  };

  readonly #onEnd = () => this.#ending();

  readonly #onClose = () => {
    if (this.#state === "waiting") this.#state = "ending";
    this.#owner.destroy();
    this.#closeIfBothAre();
  };

  #ownerClosed(): void {
    if (this.#state === "waiting") {
      this.#giveBack();
      return;
    }
    this.#ending();
    this.#client.end();
    // Its end can only be seen by reading on.
    this.#client.resume();
    this.#closeIfBothAre();
  }

  #ending(): void {
    if (this.#state !== "open") return;
    this.#state = "ending";
    this.#schedule(CLOSE_GRACE_MS);
  }

  #giveBack(): void {
    this.#client.off("drain", this.#onDrain).off("end", this.#onEnd).off("close", this.#onClose);
    this.#client.unpipe(this.#owner);
    this.#close();
    this.#passage.failed(this.#error);
  }

  #closeIfBothAre(): void {
    if (this.#client.closed && this.#owner.closed && this.#state !== "closed") this.#close();
  }

  #close(): void {
    this.#state = "closed";
    this.#passage.wheel.cancel(this);
    this.#passage.closed();
  }

  #schedule(inMs: number): void {
    const { wheel } = this.#passage;
    wheel.schedule(this, wheel.now() + inMs);
  }
}

/** The head of a request as it came. */
function headTextOf({ method, url, rawHeaders }: IncomingMessage): string {
  const words = rawHeaders.map((word, index) => (index % 2 === 0 ? `${word}: ` : `${word}\r\n`));
  return `${method} ${url} HTTP/1.1\r\n${words.join("")}\r\n`;
}
