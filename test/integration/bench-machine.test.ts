import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, test } from "vitest";
import { hubCounts } from "../../bench/hub-metrics/counts.ts";
import { scrapeHub } from "../../bench/hub-metrics/scrape.ts";
import { stageTimes } from "../../bench/hub-metrics/stages.ts";
import { describeCommit, describeMachine } from "../../bench/machine/describe.ts";
import { loadIn } from "../../bench/machine/load.ts";
import { judgePreflight } from "../../bench/machine/preflight.ts";
import { readForPreflight } from "../../bench/machine/preflight-readings.ts";
import { ProcessTree } from "../../bench/machine/process-tree.ts";
import { startSampler } from "../../bench/machine/sampler.ts";
import {
  connectionsTo,
  establishedOnMachine,
  establishedTo,
  kernelMemory,
} from "../../bench/machine/sockets.ts";
import { increases } from "../../src/metrics/increases.ts";
import { event } from "../events.ts";
import { startTestHub } from "../hub.ts";

const children: ChildProcess[] = [];
const folders: string[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** A process that does what it is told, a line each, and answers each with a line. */
function startHelper() {
  const child = spawn(process.execPath, ["-e", HELPER], { stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    pid: child.pid ?? 0,
    async ask(line: string): Promise<string> {
      child.stdin.write(`${line}\n`);
      return String((await lines.next()).value);
    },
  };
}

const HELPER = `
const { spawn } = require("node:child_process");
const net = require("node:net");
const spent = () => { const { user, system } = process.cpuUsage(); return user + system; };
const burn = (ms) => { const end = spent() + ms * 1000; while (spent() < end); };
let child;
const commands = {
  burn: (ms) => { burn(Number(ms)); return spent(); },
  thread: (ms) => new Promise((resolve) => {
    const { Worker } = require("node:worker_threads");
    const code = "const end = performance.now() + " + ms + "; while (performance.now() < end);";
    new Worker(code, { eval: true }).on("exit", () => resolve(spent()));
  }),
  child: () => new Promise((resolve) => {
    const code = "const end = performance.now() + 150; while (performance.now() < end); console.log(1); setInterval(() => {}, 1e6)";
    child = spawn(process.execPath, ["-e", code]);
    child.stdout.once("data", () => resolve(child.pid));
  }),
  kill: () => new Promise((resolve) => child.on("exit", resolve).kill("SIGKILL")),
  connect: (port, count) => Promise.all(Array.from({ length: Number(count) }, () => new Promise((resolve) => {
    net.connect(Number(port), "127.0.0.1", resolve);
  }))).then((all) => all.length),
  listen: () => new Promise((resolve) => {
    const server = net.createServer((socket) => socket.resume());
    server.listen(0, "127.0.0.1", () => resolve(server.address().port));
  }),
};
require("node:readline").createInterface({ input: process.stdin }).on("line", async (line) => {
  const [name, ...args] = line.split(" ");
  console.log(await commands[name](...args));
});
`;

/** Of `stat`: what is cut off of user and of system time. */
const TWO_TICKS_US = 20_000;

describe("CPU and memory of a tree of processes", () => {
  test("what a process burned, as it says itself, to less than a tick of the kernel", async () => {
    const helper = startHelper();
    const tree = new ProcessTree([helper.pid]);
    const saidUs = Number(await helper.ask("burn 100"));
    const seenUs = tree.cpuUs();
    // What answering took comes upon what it said.
    expect(seenUs).toBeGreaterThan(saidUs - 5_000);
    expect(seenUs).toBeLessThan(saidUs + 20_000);
  });

  test("a thread that began and ended between two looks", async () => {
    const helper = startHelper();
    const tree = new ProcessTree([helper.pid]);
    const beforeUs = tree.cpuUs();
    const saidUs = Number(await helper.ask("thread 200"));
    expect(saidUs - beforeUs).toBeGreaterThan(100_000);
    expect(tree.cpuUs()).toBeGreaterThan(saidUs - TWO_TICKS_US);
  });

  test("a child counts, also after its end; its memory as long as it lives", async () => {
    const helper = startHelper();
    await helper.ask("burn 1");
    const tree = new ProcessTree([helper.pid]);
    const [aloneUs, aloneKib] = [tree.cpuUs(), tree.pssKib() ?? 0];
    const childPid = Number(await helper.ask("child"));
    expect(tree.pids()).toEqual([helper.pid, childPid]);
    const [bothUs, bothKib] = [tree.cpuUs(), tree.pssKib() ?? 0];
    expect(bothUs - aloneUs).toBeGreaterThan(100_000);
    expect(bothKib - aloneKib).toBeGreaterThan(5_000);
    await helper.ask("kill");
    expect(tree.cpuUs()).toBeGreaterThanOrEqual(bothUs);
    expect(tree.pids()).toEqual([helper.pid]);
    expect(tree.pssKib()).toBeLessThan(bothKib - 2_500);
  });

  test("of nobody it is 0, of who has ended unknown", async () => {
    expect([new ProcessTree([]).cpuUs(), new ProcessTree([]).pssKib()]).toEqual([0, 0]);
    const child = spawn("true");
    await once(child, "exit");
    expect(new ProcessTree([child.pid ?? 0]).pssKib()).toBeNull();
  });
});

test("connections by the kernel's word: of a port at either end, of a process, of the machine", async () => {
  const [server, client] = [startHelper(), startHelper()];
  const port = Number(await server.ask("listen"));
  expect(await establishedTo([port])).toBe(0);
  await client.ask(`connect ${port} 40`);
  await expect.poll(() => establishedTo([port])).toBe(40);
  expect(await establishedTo([1, port], "peer")).toBe(40);
  // `ss` may be missing.
  const path = process.env.PATH;
  try {
    process.env.PATH = "/nowhere";
    expect(await establishedTo([port])).toBe(40);
    expect(await establishedTo([port], "peer")).toBe(40);
  } finally {
    process.env.PATH = path;
  }
  expect(connectionsTo(port, server.pid)).toBe(40);
  expect(connectionsTo(port, client.pid)).toBe(0);
  expect(establishedOnMachine()).toBeGreaterThanOrEqual(80);
  expect(kernelMemory()?.slabBytes).toBeGreaterThan(0);
});

test("a sampler tells whose CPU it was: the hub's, the load's, or another's", async () => {
  const [hub, load] = [startHelper(), startHelper()];
  const sampler = startSampler({ hub: new ProcessTree([hub.pid]), load: new ProcessTree([load.pid]) });
  await hub.ask("burn 300");
  await load.ask("burn 600");
  sampler.stop();
  const [first, last] = [sampler.readings[0], sampler.readings.at(-1)];
  const grownMs = (of: "hubCpuUs" | "loadCpuUs" | "oursCpuUs") =>
    ((last?.[of] ?? 0) - (first?.[of] ?? 0)) / 1_000;
  expect(grownMs("hubCpuUs")).toBeGreaterThanOrEqual(295);
  expect(grownMs("loadCpuUs")).toBeGreaterThanOrEqual(595);
  expect(grownMs("hubCpuUs")).toBeLessThan(grownMs("loadCpuUs"));
  expect(grownMs("oursCpuUs")).toBeGreaterThanOrEqual(grownMs("hubCpuUs") + grownMs("loadCpuUs"));
  const mean = loadIn(sampler.readings, 0, performance.now())?.mean;
  expect(mean?.busy).toBeGreaterThan(0.1);
  expect(mean?.busy).toBeLessThanOrEqual(1);
  expect(mean?.foreign).toBeLessThan(mean?.busy ?? 0);
});

test("this machine can be judged, with a figure in every line", async () => {
  const findings = judgePreflight(
    { connections: 10, generators: 1, hubHere: true, sides: 1 },
    await readForPreflight(),
  );
  expect(findings.length).toBeGreaterThan(4);
  for (const { what } of findings) expect(what).not.toMatch(/NaN|undefined|null/);
});

test("this machine and this commit, -dirty once a file of it was changed, null in a folder that is no checkout", async () => {
  const machine = describeMachine();
  expect(machine).toMatchObject({ node: process.version, kernel: expect.stringMatching(/^\d+\./) });
  expect(machine.memoryBytes).toBeGreaterThan(2 ** 28);
  const folder = await mkdtemp(join(tmpdir(), "bench-machine-"));
  folders.push(folder);
  expect(describeCommit(folder)).toBeNull();
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", folder, "-c", "user.name=x", "-c", "user.email=x", ...args]);
  await writeFile(join(folder, "a"), "1");
  git("init", "-q");
  git("add", "a");
  git("commit", "-qm", "a");
  expect(describeCommit(folder)).toMatch(/^[0-9a-f]{12}$/);
  await writeFile(join(folder, "a"), "2");
  expect(describeCommit(folder)).toMatch(/^[0-9a-f]{12}-dirty$/);
});

test("a hub's own figures of what happened between two scrapes", async () => {
  const hub = await startTestHub({ progressInterval: 0, jobInterval: 0 });
  try {
    await hub.post([event.started()]);
    const before = await scrapeHub(hub.internalUrl);
    await hub.post([event.progressed(100), event.progressed(200)]);
    const grown = increases(before, await scrapeHub(hub.internalUrl));
    expect(hubCounts(grown).eventsByResult.get("accepted")).toBe(2);
    expect(hubCounts(grown).cpuSeconds).toBeGreaterThan(0);
    expect(stageTimes(grown).find(({ stage }) => stage === "merged")).toMatchObject({ count: 2 });
    await expect(scrapeHub(hub.publicUrl)).rejects.toThrow(/404/);
  } finally {
    await hub.close();
  }
});
