import type { Connection, Line, Opening, Transport } from "../src/client/transport.ts";

/** A transport whose every connection a test plays the hub of. */
export class Scripted {
  readonly openings: (Opening & { readonly line: Line; readonly refreshed: string[]; isClosed: boolean })[] =
    [];
  readonly #canRefresh: boolean;

  constructor(canRefresh = true) {
    this.#canRefresh = canRefresh;
  }

  readonly open: Transport = (opening, line): Connection => {
    const made = { ...opening, line, refreshed: [] as string[], isClosed: false };
    this.openings.push(made);
    return {
      refresh: this.#canRefresh ? (token) => made.refreshed.push(token) : null,
      close: () => {
        made.isClosed = true;
      },
    };
  };

  get last() {
    const last = this.openings.at(-1);
    if (last === undefined) throw new Error("nothing was opened");
    return last;
  }

  say(message: object): void {
    this.last.line.heard();
    this.last.line.message(JSON.stringify(message));
  }
}
