import { ChunkReader } from "../load/event-stream.ts";
import { frameSize } from "../load/frames.ts";
import type { Transport } from "../transports.ts";

// What a server sends to one client, divided where it can be divided: a fault befalls a whole message, or none.

export interface Unit {
  /** A whole WebSocket frame, a chunk with a whole event, or what is neither; its own copy. */
  readonly bytes: Buffer;
  /** Null: it is no message of a job, and no fault befalls it. */
  readonly message: Message | null;
}

export interface Message {
  readonly jobId: string;
  readonly wire: Transport;
}

const EMPTY = Buffer.alloc(0);
const HEAD_END = "\r\n\r\n";
const EVENT_END = "\n\n";
const LAST_CHUNK = "0\r\n\r\n";
const TEXT_FRAME = 0x81;
const JOB_ID = /"jobId":"([^"]+)"/;

type Take = (bytes: Buffer) => void;

/** Takes all bytes of one connection, from the head of the answer on, and hands on units. */
export function divider(handOn: (unit: Unit) => void): Take {
  let head: Buffer = EMPTY;
  let body: Take | null = null;
  return (bytes) => {
    if (body !== null) return body(bytes);
    head = Buffer.concat([head, bytes]);
    const end = head.indexOf(HEAD_END);
    if (end < 0) return;
    const from = end + HEAD_END.length;
    body = bodyOf(head.toString("latin1", 0, from), handOn);
    handOn({ bytes: head.subarray(0, from), message: null });
    if (from < head.length) body(head.subarray(from));
  };
}

function bodyOf(head: string, handOn: (unit: Unit) => void): Take {
  if (/^HTTP\/1\.1 101 /.test(head)) return framesTo(handOn);
  const isStream = /^content-type: text\/event-stream/im.test(head);
  if (isStream && /^transfer-encoding: chunked/im.test(head)) return eventsTo(handOn);
  // An answer to a poll, or a refusal.
  return (bytes) => handOn({ bytes: Buffer.from(bytes), message: null });
}

function framesTo(handOn: (unit: Unit) => void): Take {
  let rest: Buffer = EMPTY;
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    for (;;) {
      const total = rest.length === 0 ? null : (frameSize(rest, 0)?.total ?? null);
      if (total === null || total > rest.length) return;
      const frame = rest.subarray(0, total);
      rest = rest.subarray(total);
      const text = frame[0] === TEXT_FRAME ? frame.toString("utf8") : "";
      handOn({ bytes: frame, message: messageOf(text, text.includes("42[") ? "socketio" : "websocket") });
    }
  };
}

function eventsTo(handOn: (unit: Unit) => void): Take {
  let rest: Buffer = EMPTY;
  const chunks = new ChunkReader({
    body: (bytes) => {
      rest = Buffer.concat([rest, bytes]);
      for (let end = rest.indexOf(EVENT_END); end >= 0; end = rest.indexOf(EVENT_END)) {
        const event = rest.subarray(0, end + EVENT_END.length);
        rest = rest.subarray(event.length);
        handOn({ bytes: chunkOf(event), message: messageOf(event.toString("utf8"), "sse") });
      }
    },
    end: () => handOn({ bytes: Buffer.from(LAST_CHUNK), message: null }),
  });
  return (bytes) => chunks.take(bytes);
}

function chunkOf(body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from("\r\n")]);
}

function messageOf(text: string, wire: Transport): Message | null {
  const [, jobId] = JOB_ID.exec(text) ?? [];
  return jobId === undefined ? null : { jobId, wire };
}
