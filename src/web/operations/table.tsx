import { type ReactElement, type ReactNode, useId } from "react";

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => ReactNode;
  /** To the right, with digits of one width. */
  readonly isNumber?: true;
  /** Left out where the screen is narrow. */
  readonly isExtra?: true;
}

export interface TableProps<Row> {
  /** For whoever looks for it in the page. */
  readonly name: string;
  readonly title: string;
  /** Beside the title. */
  readonly note?: string;
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  /** The first names the row. */
  readonly columns: readonly Column<Row>[];
  /** What would make it fill. */
  readonly empty: string;
}

/** A card with a table that scrolls by itself where it is wider than the screen. */
export function Table<Row>(props: TableProps<Row>): ReactElement {
  const { name, title, note, rows, keyOf, columns, empty } = props;
  const id = useId();
  return (
    <section className="card data" data-table={name} aria-labelledby={id}>
      <h2 id={id}>
        {title} {note !== undefined && <small className="muted">{note}</small>}
      </h2>
      {rows.length === 0 ? (
        <p className="muted none">{empty}</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard (WCAG 2.1.1)
        <section className="scroll" tabIndex={0} aria-labelledby={id}>
          <table>
            <thead>
              <tr>
                {columns.map((column) => (
                  <th key={column.title} scope="col" className={classOf(column)}>
                    {column.title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={keyOf(row)} data-row={keyOf(row)}>
                  {columns.map((column, index) => {
                    const Cell = index === 0 ? "th" : "td";
                    return (
                      <Cell
                        key={column.title}
                        className={classOf(column)}
                        {...(index === 0 && { scope: "row" })}
                      >
                        {column.cell(row)}
                      </Cell>
                    );
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </section>
  );
}

function classOf({ isNumber, isExtra }: { readonly isNumber?: true; readonly isExtra?: true }): string {
  return [isNumber === true ? "number" : "", isExtra === true ? "extra" : ""].join(" ").trim();
}
