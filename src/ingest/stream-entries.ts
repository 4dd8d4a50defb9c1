import { HubError } from "../errors.ts";
import { admitEvent, type GateResult } from "./gate.ts";
import { isJsonObject, parseJson } from "./json.ts";

/** One entry of a stream as Redis has it: names and values in turn. */
export interface StreamEntry {
  readonly id: string;
  readonly fields: readonly Buffer[];
  /** How often it was given to a consumer, this time included. */
  readonly deliveries: number;
}

/** The contract's one field; others are ignored. */
const EVENT_FIELD = "event";

/**
 * An entry's event through the gate: as a structured CloudEvent over HTTP, but that what would spoil the request there
 * is a rejection here.
 */
export function admitEntry(entry: StreamEntry, maxEventBytes: number): GateResult {
  const event = eventOf(entry);
  if (event === null) return refused("invalid_field", "the entry has no field `event`");
  if (event.length > maxEventBytes)
    return refused("body_too_large", `the event is over ${maxEventBytes} bytes`);
  try {
    const value = parseJson(event);
    if (!isJsonObject(value)) return refused("malformed_json", "the event must be a JSON object");
    return admitEvent(value);
  } catch (error) {
    if (error instanceof HubError) return refused(error.code, "the event must be JSON in UTF-8");
    throw error;
  }
}

/** As it was sent; null: the entry has none. */
export function eventOf({ fields }: StreamEntry): Buffer | null {
  for (let index = 0; index + 1 < fields.length; index += 2) {
    if (fields[index]?.toString() === EVENT_FIELD) return fields[index + 1] ?? null;
  }
  return null;
}

function refused(code: HubError["code"], message: string): GateResult {
  return { id: null, code, message, eventType: "unknown" };
}

/** Reads `[[id, [name, value...]]...]`, as XREADGROUP and XCLAIM give entries. One deleted meanwhile has no fields. */
export function readEntries(reply: unknown, deliveriesOf: (id: string) => number): readonly StreamEntry[] {
  return listOf(reply).flatMap((item) => {
    const [id, fields] = listOf(item);
    if (!Array.isArray(fields)) return [];
    const name = String(id);
    return [
      {
        id: name,
        fields: listOf(fields).filter((part) => Buffer.isBuffer(part)),
        deliveries: deliveriesOf(name),
      },
    ];
  });
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
