import { MESSAGE_TYPES, type MessageType } from "../../domain/messages.ts";
import type { OutMessage } from "../contract.ts";
import { parseEventId } from "../event-id.ts";
import type { LinkMessage } from "./messages.ts";

/**
 * The link's bytes: UTF-8 lines. A link message is one line of JSON; in place of an array `messages` it has their
 * count, and so many lines follow, each a message as the core encoded it: neither side escapes or parses that JSON.
 * No JSON text holds a line feed (RFC 8259 section 7), and none of the fields before it a space.
 */
export function encode(message: LinkMessage): string {
  if (!("messages" in message)) return `${JSON.stringify(message)}\n`;
  const { messages, ...header } = message;
  let text = `${JSON.stringify({ ...header, messages: messages.length })}\n`;
  for (const { eventAtMs, id, type, jobId, json } of messages) {
    text += `${Math.round(eventAtMs)} ${id} ${type} ${jobId} ${json}\n`;
  }
  return text;
}

/** Puts lines together to link messages; keeps what is not complete yet. */
export class Decoder {
  readonly #onMessage: (message: LinkMessage) => void;
  /** Bytes after the last line feed. */
  #rest: Buffer[] = [];
  #header: object | null = null;
  #missing = 0;
  #messages: OutMessage[] = [];

  constructor(onMessage: (message: LinkMessage) => void) {
    this.#onMessage = onMessage;
  }

  /** Throws a SyntaxError for what no core and no gateway sends. */
  take(chunk: Buffer): void {
    const end = chunk.lastIndexOf(0x0a);
    if (end < 0) {
      this.#rest.push(chunk);
      return;
    }
    const whole = chunk.subarray(0, end);
    const bytes = this.#rest.length === 0 ? whole : Buffer.concat([...this.#rest, whole]);
    this.#rest = end + 1 === chunk.length ? [] : [chunk.subarray(end + 1)];
    const text = bytes.toString("utf8");
    const isAscii = text.length === bytes.length;
    for (const line of text.split("\n")) this.#line(line, isAscii);
  }

  #line(line: string, isAscii: boolean): void {
    if (this.#header !== null) {
      this.#messages.push(messageOf(line, isAscii));
      this.#missing -= 1;
      if (this.#missing === 0) this.#finish(this.#header);
      return;
    }
    const header: unknown = JSON.parse(line);
    if (typeof header !== "object" || header === null) throw new SyntaxError("a link message is an object");
    const count = "messages" in header ? header.messages : null;
    if (typeof count !== "number") {
      this.#give(header);
      return;
    }
    this.#missing = count;
    if (count === 0) this.#finish(header);
    else this.#header = header;
  }

  #finish(header: object): void {
    const messages = this.#messages;
    this.#header = null;
    this.#messages = [];
    this.#give({ ...header, messages });
  }

  #give(value: object): void {
    // The other side is this same program, behind a folder that is ours alone.
    if (isLinkMessage(value)) this.#onMessage(value);
  }
}

function isLinkMessage(value: object): value is LinkMessage {
  return "kind" in value && typeof value.kind === "string";
}

function messageOf(line: string, isAscii: boolean): OutMessage {
  const afterTime = line.indexOf(" ");
  const afterId = line.indexOf(" ", afterTime + 1);
  const afterType = line.indexOf(" ", afterId + 1);
  const afterJob = line.indexOf(" ", afterType + 1);
  const type = line.slice(afterId + 1, afterType);
  const id = line.slice(afterTime + 1, afterId);
  const seq = parseEventId(id)?.seq;
  if (afterJob < 0 || seq === undefined || !isMessageType(type)) throw new SyntaxError("no message line");
  const json = line.slice(afterJob + 1);
  return {
    eventAtMs: Number(line.slice(0, afterTime)),
    seq,
    id,
    type,
    jobId: line.slice(afterType + 1, afterJob),
    json,
    bytes: isAscii ? json.length : Buffer.byteLength(json),
  };
}

const messageTypes: ReadonlySet<string> = new Set(MESSAGE_TYPES);

function isMessageType(text: string): text is MessageType {
  return messageTypes.has(text);
}
