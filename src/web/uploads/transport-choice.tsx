import type { ReactElement } from "react";
import type { TransportName } from "../../client/index.ts";

const CHOICES: readonly (readonly [TransportName, string])[] = [
  ["websocket", "WebSocket"],
  ["socketio", "Socket.IO"],
  ["sse", "SSE"],
  ["polling", "Polling"],
];

export interface TransportChoiceProps {
  /** null: the best that gets through. */
  readonly only: TransportName | null;
  readonly onChoose: (only: TransportName | null) => void;
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
