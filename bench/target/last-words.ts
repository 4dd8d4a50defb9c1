import type { Readable } from "node:stream";

/** The end of what a process writes, at most so many characters: for the one line that says why it did not come up. */
export function lastWords(streams: readonly (Readable | null)[], kept: number): () => string {
  let text = "";
  for (const stream of streams) {
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      text = (text + chunk).slice(-kept);
    });
  }
  return () => text.trim();
}
