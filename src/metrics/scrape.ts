import { Departed } from "./departed.ts";
import { Readings, type Snapshot } from "./readings.ts";
import type { Registry } from "./registry.ts";
import { metricsText } from "./text.ts";

/** One process asked for its metrics. */
export interface Answer {
  /** Its name on `/metrics`. */
  readonly name: string;
  /** null: it did not answer in time. */
  readonly metrics: Snapshot | null;
}

/**
 * The metrics of all processes as one text. Asked again while an answer is under way, it gives the same one: whoever
 * scrapes often, or in great numbers, costs no more.
 */
export class Scraper {
  readonly #own: Registry;
  readonly #askOthers: () => Promise<readonly Answer[]>;
  readonly #departed = new Departed();
  #underway: Promise<string> | null = null;

  constructor(own: Registry, askOthers: () => Promise<readonly Answer[]>) {
    this.#own = own;
    this.#askOthers = askOthers;
  }

  text(): Promise<string> {
    this.#underway ??= this.#scrape().finally(() => {
      this.#underway = null;
    });
    return this.#underway;
  }

  async #scrape(): Promise<string> {
    const [own, others] = await Promise.all([this.#own.snapshot(), this.#askOthers()]);
    const answered = others.flatMap(({ metrics }) => (metrics === null ? [] : [metrics]));
    const departed = this.#departed.update(new Map(others.map(({ name, metrics }) => [name, metrics])));
    return metricsText([own, silentOnes(others), ...answered, ...departed]);
  }
}

function silentOnes(answers: readonly Answer[]): Snapshot {
  const readings = new Readings();
  for (const { name, metrics } of answers) {
    if (metrics === null) readings.set("process_up", { process: name }, 0);
  }
  return readings.snapshot();
}
