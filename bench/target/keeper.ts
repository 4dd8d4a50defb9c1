import { fork } from "node:child_process";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

// A process in a group of its own does not end with whoever started it: Ctrl-C is not for it, and nobody says goodbye
// when the coordinator is killed. The keeper, which sees its channel close, does what is left to do.

/** What is to be gone when the coordinator is. */
export interface Kept {
  /** The process group that is killed. */
  readonly group: number;
  /** The folder that is removed. */
  readonly folder: string;
}

export interface Keeper {
  keep(kept: Kept): void;
  /** All has been ended as it should. */
  end(): void;
}

/** Starts one, which has nothing to do yet. */
export function startKeeper(): Keeper {
  const entry = fileURLToPath(new URL("./keeper-process", import.meta.url));
  // What ends the terminal's processes must not end it first.
  const child = fork(`${entry}${extname(import.meta.url)}`, [], { detached: true, stdio: "ignore" });
  child.unref();
  child.channel?.unref();
  return {
    keep: (kept) => void child.send(kept),
    end: () => void child.kill("SIGKILL"),
  };
}
