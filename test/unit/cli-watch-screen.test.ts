import { PassThrough } from "node:stream";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Output } from "../../src/cli/host.ts";
import { createScreen } from "../../src/cli/watch/screen.ts";
import { ProgressStore } from "../../src/client/index.ts";
import type { JobMessage } from "../../src/client/messages.ts";

interface Terminal {
  readonly output: Output;
  /** What was written since the last call. */
  taken(): string;
  resize(columns: number): void;
}

function terminal(): Terminal {
  const window = { isTTY: true, columns: 100, rows: 24 };
  const output = Object.assign(new PassThrough(), window);
  let text = "";
  output.on("data", (chunk) => {
    text += String(chunk);
  });
  return {
    output,
    taken: () => {
      const since = text;
      text = "";
      return since;
    },
    resize: (columns) => {
      output.columns = columns;
    },
  };
}

const job: JobMessage = {
  type: "job_progress",
  jobId: "holiday",
  progress: 50,
  status: "UPLOADING",
  timestamp: "2026-11-23T10:00:00.000Z",
  id: "e-1",
  bytesTransferred: 1,
  totalBytes: 2,
  photos: { total: 1, completed: 0, failed: 0, cancelled: 0, active: 1 },
  totalsVersion: 1,
};

test("a window that gets narrower: the rows its terminal has broken the picture into are cleared", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { output, taken, resize } = terminal();
  const store = new ProgressStore();
  const screen = createScreen(output, { NO_COLOR: "1" }, "live", store);
  onTestFinished(() => screen.close());
  const drawn = async (): Promise<string> => {
    await vi.advanceTimersByTimeAsync(100);
    return taken();
  };
  store.apply(job);
  const [row = ""] = /▸ holiday.*/.exec(await drawn()) ?? [];
  expect(row.length).toBeGreaterThan(40);

  resize(30);
  const [clearing = "", picture = ""] = (await drawn()).split("▸ ");
  // Three lines with the cursor's own below, and one more for each time the first line was broken.
  const broken = Math.ceil(row.length / 30) - 1;
  expect(clearing.split("\u001b[1A\u001b[2K")).toHaveLength(3 + broken + 1);
  expect(picture).toMatch(/^hol/);

  resize(100);
  expect((await drawn()).split("\u001b[1A\u001b[2K")).toHaveLength(3 + 1);
});
