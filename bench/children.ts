import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

/** A part of the bench in a process of its own. It ends with us, however we end. */
export interface Child<Order, Report> {
  readonly pid: number;
  send(order: Order): void;
  /** The next report that `isIt`; rejects when the child ends before. */
  next<Wanted extends Report>(isIt: (report: Report) => report is Wanted): Promise<Wanted>;
  onReport(listener: (report: Report) => void): void;
  /** Asks it with the last order, and kills it where that takes too long. */
  end(last: Order): Promise<void>;
}

const END_TIMEOUT_MS = 5_000;
/** One listener for all of them: there may be more than ten, above which Node warns of a leak. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** `entry`: the module without its ending, which is that of the module that asks. */
export function startChild<Order extends object, Report>(entry: URL): Child<Order, Report> {
  const child = fork(`${fileURLToPath(entry)}${extname(import.meta.url)}`, [], { serialization: "advanced" });
  const kill = (): void => void child.kill("SIGKILL");
  running.add(child);
  const ended = once(child, "exit").then(([code, signal]) => {
    running.delete(child);
    return `a part of the bench ended (${String(signal ?? code)})`;
  });
  return {
    pid: child.pid ?? 0,
    send: (order) => void child.send(order),
    next: (isIt) => nextOf(child, ended, isIt),
    onReport: (listener) => void child.on("message", (report: Report) => listener(report)),
    async end(last) {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const timer = setTimeout(kill, END_TIMEOUT_MS);
      if (child.connected) child.send(last);
      await ended;
      clearTimeout(timer);
    },
  };
}

function nextOf<Report, Wanted extends Report>(
  child: ChildProcess,
  ended: Promise<string>,
  isIt: (report: Report) => report is Wanted,
): Promise<Wanted> {
  return new Promise((resolve, reject) => {
    const look = (report: Report): void => {
      if (!isIt(report)) return;
      child.off("message", look);
      resolve(report);
    };
    child.on("message", look);
    ended.then((reason) => reject(new Error(reason)));
  });
}
