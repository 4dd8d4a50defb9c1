/** `<epoch>-<seq>`: where a reader stands in the order of its user's messages. */
export interface EventId {
  readonly epoch: string;
  readonly seq: number;
}

const SHAPE = /^([a-z0-9]{1,64})-(0|[1-9][0-9]{0,15})$/;

export function formatEventId(epoch: string, seq: number): string {
  return `${epoch}-${seq}`;
}

/** null: malformed, which counts as no id at all. */
export function parseEventId(text: string | null): EventId | null {
  const match = text === null ? null : SHAPE.exec(text);
  if (match === null) return null;
  const [, epoch = "", digits = ""] = match;
  const seq = Number(digits);
  return Number.isSafeInteger(seq) ? { epoch, seq } : null;
}
