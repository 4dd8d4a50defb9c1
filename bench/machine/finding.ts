/** One line of a preflight. */
export interface Finding {
  /** refusal: a run would fail, or measure something else. warning: its times may. */
  readonly level: "ok" | "warning" | "refusal";
  readonly what: string;
  /** What to do, a line for the shell where there is one; null: nothing. */
  readonly fix: string | null;
}

export function ok(what: string): Finding {
  return { level: "ok", what, fix: null };
}

export function warning(what: string, fix: string): Finding {
  return { level: "warning", what, fix };
}

export function refusal(what: string, fix: string): Finding {
  return { level: "refusal", what, fix };
}
