import type { ReactElement } from "react";
import type { Tone } from "./text.ts";

export interface BarProps {
  /** 0 to 100; null: nobody knows how much there is. */
  readonly progress: number | null;
  readonly tone: Tone;
  /** What it is the progress of. */
  readonly label: string;
  /** What a screen reader says in the place of a number. */
  readonly text: string;
  readonly isMoving: boolean;
}

export function Bar({ progress, tone, label, text, isMoving }: BarProps): ReactElement {
  return (
    <span
      className="bar"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={progress ?? undefined}
      aria-valuetext={text}
      data-tone={tone}
      data-unknown={progress === null && isMoving}
    >
      <span style={{ transform: `scaleX(${(progress ?? 0) / 100})` }} />
    </span>
  );
}
