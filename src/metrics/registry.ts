import { type MonitoredProcess, monitorProcess } from "./of-process.ts";
import { Readings, type Snapshot } from "./readings.ts";

/** Writes down its figures when it is asked. */
export type Source = (readings: Readings) => void | Promise<void>;

/** The metrics of this process: nothing is kept here, all is read where it is counted, at each scrape. */
export class Registry {
  readonly process: string;
  readonly #sources: Source[] = [];
  readonly #own: MonitoredProcess;

  /** `process`: its name on `/metrics`, such as `core` or `gateway-1`. */
  constructor(process: string) {
    this.process = process;
    this.#own = monitorProcess(process);
  }

  add(source: Source): void {
    this.#sources.push(source);
  }

  async snapshot(): Promise<Snapshot> {
    const readings = new Readings();
    for (const source of [...this.#sources, this.#own.read]) await source(readings);
    return readings.snapshot();
  }

  close(): void {
    this.#own.close();
  }
}
