import { type ReactElement, useId, useState } from "react";
import type { FaultRow } from "./fault-log.ts";
import { clockText, numberText } from "./text.ts";

/** More push the charts out of sight. */
const SHOWN = 8;

export interface FaultListProps {
  readonly faults: readonly FaultRow[];
  readonly openedMs: number;
}

/** What should not happen and did, newest first, and what to do. */
export function FaultList({ faults, openedMs }: FaultListProps): ReactElement {
  const id = useId();
  const [isAll, setAll] = useState(false);
  const shown = isAll ? faults : faults.slice(0, SHOWN);
  return (
    <section className="card data" aria-labelledby={id}>
      <h2 id={id}>
        Recent errors{" "}
        <small className="muted">newest first; this page is open since {clockText(openedMs)}</small>
      </h2>
      {faults.length === 0 ? (
        <p className="muted none">
          None since the hub started. Rejected events, refused and slow clients, broken links and restarts
          appear here.
        </p>
      ) : (
        <table className="faults">
          <thead>
            <tr>
              <th scope="col">Last</th>
              <th scope="col">What</th>
              <th scope="col" className="number">
                Since opened
              </th>
              <th scope="col" className="number">
                Since start
              </th>
              <th scope="col">What to do</th>
            </tr>
          </thead>
          <tbody>
            {shown.map(({ key, what, which, hint, lastMs, sinceOpened, sinceStart }) => (
              <tr key={key} data-fault={key} data-fresh={lastMs !== null}>
                <td className="last">{lastMs === null ? "earlier" : clockText(lastMs)}</td>
                <th scope="row">
                  {what} {which !== "" && <code>{which}</code>}
                </th>
                <td className="number" data-label="since opened">
                  {numberText(sinceOpened)}
                </td>
                <td className="number" data-label="since start">
                  {numberText(sinceStart)}
                </td>
                <td className="hint muted">
                  <Hint text={hint} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {faults.length > SHOWN && (
        <button type="button" className="quiet more" aria-expanded={isAll} onClick={() => setAll(!isAll)}>
          {isAll ? "Show fewer" : `Show all ${numberText(faults.length)}`}
        </button>
      )}
    </section>
  );
}

/** The catalogue sets names off by backticks. */
function Hint({ text }: { readonly text: string }): ReactElement {
  return (
    <>
      {text.split("`").map((part, index) =>
        // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text never change places
        index % 2 === 1 ? <code key={index}>{part}</code> : part,
      )}
    </>
  );
}
