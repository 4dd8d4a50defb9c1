import { spawn } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { until } from "../../simulator/oracle/until.ts";
import { markedEnv, program } from "./cluster.ts";
import { processesMarked } from "./processes.ts";
import { endScenes } from "./scene.ts";

const clients = new Set<WebSocket>();
afterEach(() => {
  for (const client of clients) client.terminate();
  clients.clear();
  endScenes();
});

const CTRL_C = "\x03";

describe.each(["0", "2"])("serve --dev --workers %s on a terminal", (workers) => {
  test("Ctrl-C with a client connected: one tidy line, exit 0", async () => {
    const terminal = await serveOnTerminal(workers);
    const client = await connect(terminal.said());
    const before = terminal.said().length;
    terminal.press(CTRL_C);
    expect(await terminal.ended(15_000)).toBe(0);
    const after = terminal.said().slice(before);
    const lines = after
      .replace("^C", "")
      .split("\n")
      .filter((line) => line.trim() !== "");
    expect(lines, after).toHaveLength(1);
    expect(lines[0]).not.toMatch(/error|^\s+at /i);
    await until(() => client.readyState === WebSocket.CLOSED, "the client is told", 1_000);
  });

  test("a second Ctrl-C, while a client does not leave: the end at once", async () => {
    const terminal = await serveOnTerminal(workers);
    const client = await connect(terminal.said());
    // It reads no close frame, and so the drain waits for it.
    client.pause();
    const before = terminal.said().length;
    terminal.press(CTRL_C);
    const lineSaid = () => terminal.said().slice(before).replace("^C", "").trim() !== "";
    await until(lineSaid, "the line", 3_000, terminal.said);
    expect(terminal.exit()).toBe(null);
    terminal.press(CTRL_C);
    await terminal.ended(2_000);
    expect(terminal.said().slice(before)).not.toMatch(/^\s+at /m);
    await until(() => terminal.processes().length === 0, "no process is left", 2_000);
  });
});

interface Terminal {
  /** All that was shown, without colours. */
  said(): string;
  press(keys: string): void;
  exit(): number | null;
  ended(deadlineMs: number): Promise<number>;
  processes(): readonly unknown[];
}

/** In a pseudo terminal of its own, made by util-linux' `script`, which passes keys and the exit code on. */
async function serveOnTerminal(workers: string): Promise<Terminal> {
  const { env, mark } = markedEnv();
  const ports = "--port 0 --internal-port 0";
  const command = `exec '${process.execPath}' '${program}' serve --dev --workers ${workers} ${ports}`;
  const child = spawn("script", ["-qfec", command, "/dev/null"], {
    env: { ...env, TERM: "xterm" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let [shown, exit]: [string, { code: number } | null] = ["", null];
  child.stdout.on("data", (chunk) => {
    shown += String(chunk);
  });
  child.on("exit", (code) => {
    exit = { code: code ?? -1 };
  });
  const said = () => stripColours(shown);
  await until(() => said().includes(" simulate --"), "all that --dev says", 15_000, said);
  return {
    said,
    press: (keys) => void child.stdin.write(keys),
    exit: () => exit?.code ?? null,
    ended: (deadlineMs) => until(() => exit, "serve has ended", deadlineMs, said).then(({ code }) => code),
    processes: () => processesMarked(mark).filter(({ kind }) => kind !== "other"),
  };
}

function stripColours(text: string): string {
  return stripVTControlCharacters(text).replaceAll("\r", "");
}

async function connect(said: string): Promise<WebSocket> {
  const [, url = ""] = /public=(\S+)/.exec(said) ?? [];
  const [, token = ""] = /dev token=(\S+)/.exec(said) ?? [];
  const address = `${url.replace("http", "ws")}/ws/upload-progress?access_token=${token}`;
  const client = new WebSocket(address);
  clients.add(client);
  client.on("error", () => undefined);
  let isSynced = false;
  client.on("message", () => {
    isSynced = true;
  });
  await until(() => isSynced, "the client is connected", 5_000);
  return client;
}
