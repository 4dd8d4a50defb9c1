import type { ReactElement } from "react";
import type { Way } from "../../client/connect.ts";

const CHOICES: readonly (readonly [Way, string])[] = [
  ["websocket", "WebSocket"],
  ["sse", "SSE"],
  ["polling", "Polling"],
];

export interface TransportChoiceProps {
  /** null: the best that gets through. */
  readonly only: Way | null;
  readonly onChoose: (only: Way | null) => void;
}

export function TransportChoice({ only, onChoose }: TransportChoiceProps): ReactElement {
  return (
    <select
      aria-label="Transport"
      value={only ?? ""}
      onChange={({ target }) => onChoose(CHOICES.find(([name]) => name === target.value)?.[0] ?? null)}
    >
      <option value="">Automatic</option>
      {CHOICES.map(([name, label]) => (
        <option key={name} value={name}>
          {label}
        </option>
      ))}
    </select>
  );
}
