import type { ReactElement, ReactNode } from "react";
import icon from "./icon.svg";

export interface FrameProps {
  readonly title: string;
  /** Beside the title. */
  readonly bar?: ReactNode;
  readonly children?: ReactNode;
}

/** What both pages are in. */
export function Frame({ title, bar, children }: FrameProps): ReactElement {
  return (
    <>
      <header className="top">
        <div>
          <span className="brand">
            <img src={icon} alt="" />
            <span>
              {title} <small className="wide">progress-hub</small>
            </span>
          </span>
          {bar}
        </div>
      </header>
      <main className="page">{children}</main>
    </>
  );
}
