// Prometheus' text, as far as a difference of two of them needs it: for whoever watches a hub, in Node or in a browser.

export interface Sample {
  /** With the prefix, and with `_bucket`, `_sum` or `_count` where it is of a histogram. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Samples by their series as it is written: `name{label="value"}`. */
export type Scrape = ReadonlyMap<string, Sample>;

const SAMPLE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})?[ \t]+(\S+)(?:[ \t]+-?\d+)?$/gm;
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const ESCAPED: Readonly<Record<string, string>> = { "\\n": "\n", "\\\\": "\\", '\\"': '"' };

/** Of the text format 0.0.4. Comments and what is no sample are left out. */
export function parseMetrics(text: string): Scrape {
  const scrape = new Map<string, Sample>();
  for (const [, name = "", labelText = "", value = ""] of text.matchAll(SAMPLE)) {
    scrape.set(`${name}{${labelText}}`, { name, labels: parseLabels(labelText), value: numberOf(value) });
  }
  return scrape;
}

function parseLabels(text: string): Readonly<Record<string, string>> {
  const labels = [...text.matchAll(LABEL)].map(([, name = "", value = ""]) => [name, unescaped(value)]);
  return Object.fromEntries(labels);
}

function unescaped(value: string): string {
  return value.replaceAll(/\\./g, (pair) => ESCAPED[pair] ?? pair);
}

function numberOf(text: string): number {
  return Number(text.replace("Inf", "Infinity"));
}
