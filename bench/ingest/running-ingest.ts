import { type Child, startChild } from "../children.ts";
import type { AppliedFigures, FromIngest, IngestFigures, IngestOrder, ToIngest } from "./messages.ts";

/** The ingest load, at work in its own process: one order after the other. */
export class RunningIngest {
  readonly #child: Child<ToIngest, FromIngest>;

  /** `onProgress` is told once a second how many requests of the present load were answered. */
  constructor(onProgress: (elapsedMs: number, requests: number) => void) {
    this.#child = startChild(new URL("./ingest-process", import.meta.url));
    this.#child.onReport((report) => {
      if (report.type === "progress") onProgress(report.elapsedMs, report.requests);
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  async load(order: IngestOrder): Promise<IngestFigures> {
    const report = await this.#answerTo(order);
    if (report.type !== "measured") throw new Error(reasonOf(report));
    return report.figures;
  }

  /** Reads back what the hub shows of all that was posted. */
  async check(publicUrl: string, jwtSecret: string): Promise<AppliedFigures> {
    const report = await this.#answerTo({ type: "check", publicUrl, jwtSecret });
    if (report.type !== "checked") throw new Error(reasonOf(report));
    return report.figures;
  }

  stop(): Promise<void> {
    return this.#child.end({ type: "stop" });
  }

  #answerTo(order: ToIngest): Promise<FromIngest> {
    const isAnswer = (report: FromIngest): report is FromIngest => report.type !== "progress";
    const answer = this.#child.next(isAnswer);
    this.#child.send(order);
    return answer;
  }
}

function reasonOf(report: FromIngest): string {
  return report.type === "broken" ? report.reason : `the ingest load answered with ${report.type}`;
}
