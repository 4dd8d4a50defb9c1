import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

// A client's TCP connection and the head of the HTTP answer on it; what follows goes to a reader as bytes.

export interface ConnectionHandler {
  /** The head of the answer has come. Throws for one that is no welcome. */
  answered(status: number, headers: string): void;
  /** Bytes of the body or of the upgraded connection. Valid until it returns. Throws for what it can't read. */
  bytes(bytes: Buffer): void;
  /** Once, for whatever reason. Null: the server ended it as it should. */
  closed(reason: string | null): void;
}

/** All sockets read into it, one after the other: a buffer each would be most of this process' memory. */
const shared = Buffer.allocUnsafe(64 * 1024);
const HEAD_END = Buffer.from("\r\n\r\n");
const MAX_HEAD_BYTES = 16 * 1024;

export interface Destination {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
  /** Before every path; empty or begins with a slash. */
  readonly basePath: string;
  /** For the Host header. */
  readonly authority: string;
}

export function destinationOf(url: string): Destination {
  const { hostname, port, protocol, pathname, host } = new URL(url);
  const isTls = protocol === "https:";
  return {
    host: hostname.replace(/^\[|\]$/g, ""),
    port: Number(port) || (isTls ? 443 : 80),
    isTls,
    basePath: pathname.replace(/\/+$/, ""),
    authority: host,
  };
}

/** `slow`: 1 KiB a second. `stopped`: nothing, so that the kernel's buffers fill. */
export type Pace = "full" | "slow" | "stopped";

const SLOW_BYTES = 1_024;
const SLOW_EVERY_MS = 1_000;

interface ConnectionOptions {
  readonly destination: Destination;
  /** Reads into a small buffer of its own, so that it can be told to be slow. Not over TLS. */
  readonly isSlow: boolean;
}

export class Connection {
  readonly #socket: Socket;
  readonly #handler: ConnectionHandler;
  /** What came of the head so far; null: it is complete. */
  #head: Buffer | null = Buffer.alloc(0);
  #isOver = false;
  #pace: Pace = "full";
  #slowTimer: NodeJS.Timeout | null = null;

  /** Connects, and sends `request`, head and body. */
  constructor(options: ConnectionOptions, request: string, handler: ConnectionHandler) {
    this.#handler = handler;
    this.#socket = this.#open(options);
    this.#socket.setNoDelay(true);
    this.#socket.on("error", (error) => this.#over(error.message));
    this.#socket.on("close", () => this.#over("the connection was cut"));
    this.#socket.on("end", () => this.#over(null));
    this.#socket.write(request);
  }

  write(bytes: Buffer): void {
    if (!this.#isOver) this.#socket.write(bytes);
  }

  pace(pace: Pace): void {
    this.#pace = pace;
    if (this.#slowTimer !== null) clearInterval(this.#slowTimer);
    this.#slowTimer = pace === "slow" ? setInterval(() => this.#socket.resume(), SLOW_EVERY_MS) : null;
    if (pace === "full") this.#socket.resume();
    else this.#socket.pause();
  }

  /** Ends it at once, without a word to the server. `closed` is not called. */
  destroy(): void {
    this.#end();
    this.#socket.destroy();
  }

  /** Ends it at once with a reset. `closed` is not called. */
  reset(): void {
    this.#end();
    this.#socket.resetAndDestroy();
  }

  #open({ destination: { host, port, isTls }, isSlow }: ConnectionOptions): Socket {
    if (isTls) {
      const socket = connectTls({ host, port, servername: host });
      return socket.on("data", (bytes: Buffer) => this.#take(bytes));
    }
    const buffer = isSlow ? Buffer.allocUnsafe(SLOW_BYTES) : shared;
    const callback = (size: number): boolean => {
      this.#take(buffer.subarray(0, size));
      // False: that was all for now, until somebody resumes.
      return this.#pace === "full";
    };
    return connectTcp({ host, port, onread: { buffer, callback } });
  }

  #take(bytes: Buffer): void {
    if (this.#isOver) return;
    try {
      if (this.#head === null) this.#handler.bytes(bytes);
      else this.#takeHead(bytes);
    } catch (error) {
      this.#over(error instanceof Error ? error.message : String(error));
    }
  }

  #takeHead(bytes: Buffer): void {
    const head = Buffer.concat([this.#head ?? bytes, bytes]);
    const end = head.indexOf(HEAD_END);
    if (end < 0) {
      if (head.length > MAX_HEAD_BYTES) throw new Error("an answer with a head that does not end");
      this.#head = head;
      return;
    }
    this.#head = null;
    const text = head.toString("latin1", 0, end);
    const [, status = ""] = /^HTTP\/1\.1 (\d{3})/.exec(text) ?? [];
    this.#handler.answered(Number(status), text);
    const rest = head.subarray(end + HEAD_END.length);
    if (rest.length > 0) this.#handler.bytes(rest);
  }

  #over(reason: string | null): void {
    if (this.#isOver) return;
    this.#end();
    this.#socket.destroy();
    this.#handler.closed(reason);
  }

  #end(): void {
    this.#isOver = true;
    if (this.#slowTimer !== null) clearInterval(this.#slowTimer);
  }
}
