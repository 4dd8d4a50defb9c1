import type { ReactElement, ReactNode } from "react";
import { Spark } from "./spark.tsx";

export interface TileProps {
  /** For whoever looks for it in the page. */
  readonly name: string;
  readonly title: string;
  readonly value: string;
  /** Behind the number, small. */
  readonly unit?: string;
  /** Below it. */
  readonly note: ReactNode;
  readonly tone?: "good" | "warn" | "bad";
  readonly history?: readonly (number | null)[];
}

export function Tile({ name, title, value, unit, note, tone, history }: TileProps): ReactElement {
  return (
    <li className="card tile" data-tile={name} data-tone={tone}>
      <h3>{title}</h3>
      <p className="big">
        {value}
        {unit !== undefined && <small> {unit}</small>}
      </p>
      <p className="muted note">{note}</p>
      {history !== undefined && <Spark values={history} />}
    </li>
  );
}
