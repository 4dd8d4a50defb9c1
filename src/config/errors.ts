import { distance } from "fastest-levenshtein";

/** One thing that is wrong with the configuration: where it came from, what is wrong, what to do. */
export interface ConfigProblem {
  /** `--port`, `PROGRESS_HUB_PORT`, `hub.json: port`, or the setting itself where nothing was given. */
  readonly origin: string;
  readonly problem: string;
  readonly remedy: string | null;
  /** A whole source could not be read, so that anything missing may be in there. */
  readonly fatal?: true;
}

/** Holds every problem at once; `message` has one line each, free of secrets. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(lineOf).join("\n"));
    this.problems = problems;
  }
}

function lineOf({ origin, problem, remedy }: ConfigProblem): string {
  return `${origin} ${problem}${remedy === null ? "" : `; ${remedy}`}`;
}

/** The known name a mistyped one most likely meant, or null when nothing is near. */
export function nearest(name: string, known: Iterable<string>): string | null {
  let best: string | null = null;
  let bestDistance = Math.max(3, Math.ceil(name.length * 0.4)) + 1;
  for (const candidate of known) {
    // A name broken off, such as --drain for --drain-timeout, is far in edits and near in meaning.
    const edits = name.length > 4 && candidate.startsWith(name) ? 1 : distance(name, candidate);
    if (edits < bestDistance) [best, bestDistance] = [candidate, edits];
  }
  return best;
}
