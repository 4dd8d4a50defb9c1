const DEADLINE_MS = 5_000;

/** A token of this tab alone, gone with it: a reload keeps who has it signed in, where the browser allows storage. */
export class KeptToken {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  /** null: there is none. */
  get(): string | null {
    try {
      return sessionStorage.getItem(this.#name) || null;
    } catch {
      return null;
    }
  }

  /** null: not any more. */
  set(token: string | null): void {
    try {
      if (token === null) sessionStorage.removeItem(this.#name);
      else sessionStorage.setItem(this.#name, token);
    } catch {
      // Then a reload signs out.
    }
  }
}

/** What a hub with `--dev` gives its own machine; null: it is none, or another machine. Rejects where nobody answers. */
export async function devSession(): Promise<unknown> {
  const response = await fetch("/dev/session", { signal: AbortSignal.timeout(DEADLINE_MS) });
  return response.ok ? await response.json() : null;
}
