import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";

/** The built program as a user runs it: `npm run build` (or `npm test`, which builds) comes first. */
const program = fileURLToPath(new URL("../../dist/bin/progress-hub.js", import.meta.url));
const demo = fileURLToPath(new URL("../../dist/simulator/demo.js", import.meta.url));
const SECRETS = ["--jwt-secret", "s".repeat(32), "--ingest-token", "i".repeat(32)];

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const children = new Set<ChildProcess>();
const folders = new Set<string>();
afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  folders.clear();
});

/** `onOut` sees all of stdout so far, and the child. */
function runNode(
  script: string,
  argv: readonly string[],
  onOut: (out: string, child: ChildProcess) => void = () => {},
): Promise<Ended> {
  // A setting in the environment of whoever runs the tests must not change what they see.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith("PROGRESS_HUB_")),
  );
  const folder = mkdtempSync(join(tmpdir(), "progress-hub-test-"));
  folders.add(folder);
  const child = spawn(process.execPath, ["--no-deprecation", script, ...argv], {
    env,
    // Where `serve` keeps its state unless it is told where.
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.add(child);
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk) => {
    out += String(chunk);
    onOut(out, child);
  });
  child.stderr.on("data", (chunk) => {
    err += String(chunk);
  });
  return new Promise((resolve) => {
    child.on("close", (code) => {
      children.delete(child);
      resolve({ code, out, err });
    });
  });
}

async function listening(): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return { server, port: typeof address === "object" && address !== null ? address.port : 0 };
}

test("a missing key without --dev: one clear line and 2", async () => {
  const { code, out, err } = await runNode(program, ["serve", "--ingest-token", "i".repeat(32)]);
  expect(err).toMatch(/^progress-hub: jwt-secret is missing.*try --dev\n$/);
  expect({ code, out }).toEqual({ code: 2, out: "" });
});

test("an unreadable key file: one clear line and 2", async () => {
  const argv = ["serve", "--jwt-public-key", "/does/not/exist.pem", "--ingest-token", "i".repeat(32)];
  const { code, err } = await runNode(program, argv);
  expect(err).toMatch(
    /^progress-hub: --jwt-public-key names \/does\/not\/exist\.pem, which can't be read \(ENOENT\).*\n$/,
  );
  expect(code).toBe(2);
});

test("an unknown flag: one clear line that names the nearest, and 2", async () => {
  const { code, err } = await runNode(program, ["serve", ...SECRETS, "--max-bach", "5"]);
  expect(err).toBe("progress-hub: --max-bach is an unknown flag; did you mean --max-batch?\n");
  expect(code).toBe(2);
});

test("a port in use: one clear line and 1", async () => {
  const { server, port } = await listening();
  const argv = [
    "serve",
    ...SECRETS,
    "--host",
    "127.0.0.1",
    "--port",
    String(port),
    "--internal-port",
    "0",
    "--log-level",
    "warn",
  ];
  const { code, err } = await runNode(program, argv);
  server.close();
  expect(err).toMatch(new RegExp(`^progress-hub: port in use: 127\\.0\\.0\\.1:${port}; .*--port.*\\n$`));
  expect(code).toBe(1);
});

test.each(["--host", "--internal-host"])(
  "a name for %s that nobody knows: one clear line and 2",
  async (flag) => {
    const argv = ["serve", ...SECRETS, "--port", "0", "--internal-port", "0", "--log-level", "error"];
    const { code, out, err } = await runNode(program, [...argv, flag, "nohost.invalid"]);
    expect(err).toMatch(
      new RegExp(
        `^progress-hub: ${flag} names nohost\\.invalid, which can't be resolved \\((ENOTFOUND|EAI_AGAIN)\\); .*\\n$`,
      ),
    );
    expect({ code, out }).toEqual({ code: 2, out: "" });
  },
);

test("with jwks-url alone it starts, and says that every token is refused", async () => {
  const keys = ["--jwks-url", "https://id.example.com/jwks", "--ingest-token", "i".repeat(32)];
  const argv = ["serve", ...keys, "--host", "127.0.0.1", "--port", "0", "--internal-port", "0"];
  let answer: Promise<unknown> | null = null;
  const { code, err } = await runNode(program, argv, (out, child) => {
    const [, url] = /public=(\S+)/.exec(out) ?? [];
    if (url === undefined || answer !== null) return;
    answer = fetch(`${url}/api/v1/upload-progress`, { headers: { authorization: "Bearer a.b.c" } })
      .then((response) => response.json())
      .finally(() => child.kill("SIGTERM"));
  });
  expect(await answer).toMatchObject({ status: 401, code: "token_invalid" });
  expect(err).toMatch(
    /"level":40,[^\n]*jwks-url comes with a later version: until then every user's token is refused/,
  );
  expect(code).toBe(0);
});

test("serve says when it is ready, logs JSON to stderr, and ends with 0 on SIGTERM", async () => {
  const argv = ["serve", ...SECRETS, "--host", "127.0.0.1", "--port", "0", "--internal-port", "0"];
  const { code, out, err } = await runNode(program, argv, (_out, child) => void child.kill("SIGTERM"));
  expect(out).toMatch(
    /^progress-hub ready public=http:\/\/127\.0\.0\.1:[1-9]\d* internal=http:\/\/127\.0\.0\.1:[1-9]\d* pid=[1-9]\d* workers=[1-9]\d*\n$/,
  );
  for (const line of err.trim().split("\n")) expect(() => JSON.parse(line)).not.toThrow();
  expect(code).toBe(0);
});

test("the demo brings everything it shows to 100 % and ends with 0 by itself, in time", async () => {
  const startMs = performance.now();
  const { code, out, err } = await runNode(demo, ["--duration", "10s"]);
  expect(err).toBe("");
  expect(code).toBe(0);
  expect(performance.now() - startMs).toBeLessThan(15_000);
  const shown = new Set(out.match(/sim-\d+-1-\d+/g));
  expect(shown.size).toBeGreaterThan(0);
  for (const job of shown)
    expect(out).toMatch(new RegExp(`^\\[#{20}\\] 100\\.0 % ${job} .*, job ended$`, "m"));
  const [, url = ""] = /progress-hub demo: (\S+)/.exec(out) ?? [];
  await expect(fetch(url)).rejects.toThrow();
});
