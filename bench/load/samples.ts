import type { Histogram } from "hdr-histogram-js";
import { encodeIntoCompressedBase64 } from "hdr-histogram-js";
import { newHistogram } from "../metric.ts";
import type { Transport } from "../transports.ts";
import type { Sample } from "./audit.ts";
import type { LoadClient } from "./client.ts";
import type { Expectation, SampleKind } from "./messages.ts";
import { perTransport } from "./population.ts";

/** How long events took to each client, of those that count. */
export class Samples {
  readonly #expectation: Expectation;
  readonly #histograms: Readonly<Record<SampleKind, Readonly<Record<Transport, Histogram>>>>;
  readonly #byClient = new Map<LoadClient, number[]>();
  #recent = newHistogram();
  messages = 0;

  constructor(expectation: Expectation) {
    this.#expectation = expectation;
    this.#histograms = {
      leading: perTransport(newHistogram),
      trailing: perTransport(newHistogram),
      ending: perTransport(newHistogram),
    };
  }

  add(client: LoadClient, { kind, dueUs }: Sample, nowUs: number): void {
    const { fromUs, toUs } = this.#expectation;
    // Endings may come after the window, and are reported apart.
    if (dueUs < fromUs || (kind !== "ending" && dueUs >= toUs)) return;
    const tookUs = Math.max(1, Math.round(nowUs - dueUs));
    this.#histograms[kind][client.transport].recordValue(tookUs);
    if (kind === "ending") return;
    this.messages += 1;
    if (kind !== "leading") return;
    this.#recent.recordValue(tookUs);
    const own = this.#byClient.get(client);
    if (own === undefined) this.#byClient.set(client, [tookUs]);
    else own.push(tookUs);
  }

  /** Of the leading messages since it was last asked; null: none. Milliseconds. */
  takeRecentP99(): number | null {
    const recent = this.#recent;
    if (recent.totalCount === 0) return null;
    const p99Ms = recent.getValueAtPercentile(99) / 1_000;
    recent.reset();
    return p99Ms;
  }

  worstClientP99Ms(): number | null {
    let worstUs: number | null = null;
    for (const own of this.#byClient.values()) {
      own.sort((left, right) => left - right);
      const p99Us = own[Math.ceil(own.length * 0.99) - 1] ?? 0;
      worstUs = Math.max(worstUs ?? 0, p99Us);
    }
    return worstUs === null ? null : worstUs / 1_000;
  }

  encoded(): Readonly<Record<SampleKind, Readonly<Record<Transport, string>>>> {
    const encode = (kind: SampleKind) =>
      perTransport((transport) => encodeIntoCompressedBase64(this.#histograms[kind][transport]));
    return { leading: encode("leading"), trailing: encode("trailing"), ending: encode("ending") };
  }
}
