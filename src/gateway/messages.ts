import type { OutMessage } from "../engine/contract.ts";

interface Encoded {
  readonly text: string;
  readonly bytes: number;
}

/**
 * A transport's own form of a message, made at the first connection that is sent it and kept as long as the message.
 */
export function encodedOnce(encode: (message: OutMessage) => string): (message: OutMessage) => Encoded {
  const made = new WeakMap<OutMessage, Encoded>();
  return (message) => {
    const known = made.get(message);
    if (known !== undefined) return known;
    const text = encode(message);
    const encoded = { text, bytes: Buffer.byteLength(text) };
    made.set(message, encoded);
    return encoded;
  };
}
