import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";
import { until } from "../../simulator/oracle/until.ts";
import { codeOf } from "../../src/config/sources.ts";
import { ARGS, PROGRAM } from "./chromium.ts";

// Playwright emulates that each page has the focus, so that none of its pages is ever hidden. Here are tabs as a person has
// them, one in front of the others, by the DevTools protocol alone.

export interface RealTab {
  evaluate(expression: string): Promise<unknown>;
  /** The others are hidden then. */
  bringToFront(): Promise<void>;
  /** Of a tab that is hidden: its timers and tasks stand still until it is thawed (Page Lifecycle, "frozen"). */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
}

export interface RealTabs {
  /** In front; `script` runs before any of the page's. */
  open(url: string, script?: string): Promise<RealTab>;
  close(): Promise<void>;
}

interface Answer {
  readonly id?: number;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

export async function launchRealTabs(): Promise<RealTabs> {
  const folder = mkdtempSync(join(tmpdir(), "progress-hub-tabs-"));
  const own = ["--headless=new", "--remote-debugging-port=0", `--user-data-dir=${folder}`];
  const chromium = spawn(PROGRAM, [...ARGS, ...own, "about:blank"], {
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  const send = await protocolOf(chromium);
  return {
    async open(url, script = "") {
      const { targetId } = await send("Target.createTarget", { url: "about:blank" });
      const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
      const session = String(sessionId);
      await send("Page.enable", {}, session);
      await send("Page.addScriptToEvaluateOnNewDocument", { source: script }, session);
      await send("Page.navigate", { url }, session);
      return {
        async evaluate(expression) {
          const { result, exceptionDetails } = await send(
            "Runtime.evaluate",
            { expression, returnByValue: true, awaitPromise: true },
            session,
          );
          if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
          return (result as { value?: unknown }).value;
        },
        async bringToFront() {
          await send("Target.activateTarget", { targetId });
        },
        async freeze() {
          await send("Page.setWebLifecycleState", { state: "frozen" }, session);
        },
        async thaw() {
          await send("Page.setWebLifecycleState", { state: "active" }, session);
        },
      };
    },
    async close() {
      chromium.kill();
      if (chromium.exitCode === null && chromium.signalCode === null) await once(chromium, "exit");
      killGroup(chromium);
      await until(() => isRemoved(folder), `${folder} is gone`, 10_000);
    },
  };
}

/** Its helpers outlive it for a moment, and may still write. */
function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch (error) {
    if (codeOf(error) !== "ESRCH") throw error;
  }
}

/** `maxRetries` of `rmSync` doesn't look again into a folder that was written to after it was emptied. */
function isRemoved(folder: string): boolean {
  try {
    rmSync(folder, { recursive: true, force: true });
    return true;
  } catch (error) {
    if (codeOf(error) !== "ENOTEMPTY") throw error;
    return false;
  }
}

type Send = (method: string, params?: object, sessionId?: string) => Promise<Record<string, unknown>>;

async function protocolOf(chromium: ChildProcess): Promise<Send> {
  let said = "";
  chromium.stderr?.on("data", (chunk) => {
    said += String(chunk);
  });
  const address = await until(
    () => /DevTools listening on (ws:\S+)/.exec(said)?.[1],
    "DevTools",
    20_000,
    () => said,
  );
  const socket = new WebSocket(address);
  await once(socket, "open");
  const waiting = new Map<number, (answer: Answer) => void>();
  socket.on("message", (data) => {
    const answer = JSON.parse(String(data)) as Answer;
    if (answer.id !== undefined) waiting.get(answer.id)?.(answer);
  });
  let id = 0;
  return (method, params = {}, sessionId) =>
    new Promise((resolve, reject) => {
      id += 1;
      waiting.set(id, ({ result, error }) => {
        if (error === undefined) resolve({ ...result });
        else reject(new Error(`${method}: ${error.message}`));
      });
      socket.send(JSON.stringify({ id, method, params, sessionId }));
    });
}
