import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../bench/target/free-port.ts";
import { until } from "../../simulator/oracle/until.ts";

// A real nginx with the configuration of docs/several-hubs.md, so that what people copy is what was tested.

const DOCS = new URL("../../docs/several-hubs.md", import.meta.url);
const START_DEADLINE_MS = 10_000;
const STOP_DEADLINE_MS = 10_000;

export interface Nginx {
  readonly url: string;
  /** Lines of its access log so far. */
  accessLog(): string;
}

export interface NginxOptions {
  /** `http://HOST:PORT` of two hubs, in the place of the two of the docs. */
  readonly hubs: readonly [string, string];
  /** `proxy_read_timeout`, where a test can't wait for that of the docs. */
  readonly readTimeout?: string;
}

const running = new Set<() => Promise<void>>();
const killers = new Set<() => void>();
process.once("exit", () => {
  for (const kill of killers) kill();
});

/** For `afterEach`: every nginx that was started has ended, and its files are gone. */
export async function endAllNginx(): Promise<void> {
  await Promise.all([...running].map((end) => end()));
}

export async function startNginx(options: NginxOptions): Promise<Nginx> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "nginx-"));
  let child: ChildProcess | null = null;
  let output = "";
  const isOver = () => child === null || hasEnded(child);
  const kill = () => {
    // SIGTERM, since a master that is killed leaves its workers behind.
    if (!isOver()) child?.kill("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  };
  const end = async () => {
    running.delete(end);
    try {
      if (!isOver()) child?.kill("SIGTERM");
      await until(isOver, "nginx has ended", STOP_DEADLINE_MS, () => output);
    } finally {
      kill();
      killers.delete(kill);
    }
  };
  // Before anything may fail.
  killers.add(kill);
  running.add(end);

  // Its workers are another user where its master is root.
  chmodSync(folder, 0o755);
  const path = join(folder, "nginx.conf");
  writeFileSync(path, filledIn(options, port, folder));
  const plumbing = `daemon off; pid ${folder}/nginx.pid;`;
  const started = spawn("nginx", ["-p", folder, "-c", path, "-e", "stderr", "-g", plumbing], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  child = started;
  started.stderr.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  started.on("error", (error) => {
    output += String(error);
  });

  const url = `http://127.0.0.1:${port}`;
  const answers = async () => {
    if (hasEnded(started)) throw new Error(`nginx ended:\n${output}`);
    const response = await fetch(`${url}/healthz`).catch(() => null);
    await response?.arrayBuffer();
    return response?.status === 200;
  };
  await until(answers, "nginx answers for a hub", START_DEADLINE_MS, () => output);
  return { url, accessLog: () => readFileSync(join(folder, "access.log"), "utf8") };
}

function filledIn({ hubs, readTimeout }: NginxOptions, port: number, folder: string): string {
  const [first, second] = hubs.map((url) => new URL(url).host);
  return [
    ["10.0.0.11:8080", first],
    ["10.0.0.12:8080", second],
    ["listen 80;", `listen 127.0.0.1:${port};`],
    ["/var/log/nginx", folder],
    ["http {", `http {\n${temporaryPaths(folder)}`],
    ...(readTimeout === undefined ? [] : [["proxy_read_timeout 90s", `proxy_read_timeout ${readTimeout}`]]),
  ].reduce((text, [from = "", to = ""]) => replaced(text, from, to), nginxExample());
}

/** The one fenced block of nginx's in the docs. */
export function nginxExample(): string {
  const blocks = [...readFileSync(DOCS, "utf8").matchAll(/^```nginx\n(.*?)^```$/gms)];
  const [text] = blocks.map(([, block]) => block);
  if (text === undefined || blocks.length > 1) throw new Error(`${blocks.length} nginx blocks in ${DOCS}`);
  return text;
}

function replaced(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`the nginx example has no "${from}" any more`);
  return text.replaceAll(from, to);
}

/** Where nginx was built to put files belongs to the system's own nginx. */
function temporaryPaths(folder: string): string {
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return kinds.map((kind) => `    ${kind}_temp_path ${folder}/${kind};`).join("\n");
}

function hasEnded({ exitCode, signalCode, pid }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null || pid === undefined;
}
