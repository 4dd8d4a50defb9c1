import { createServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { startBlockingProxy } from "../blocking-proxy.ts";
import { command, type Running, start } from "./cli-harness.ts";

interface Dev {
  readonly hub: Running;
  readonly url: string;
  readonly internal: string;
  readonly token: string;
  readonly ingestToken: string;
}

async function serveDev(): Promise<Dev> {
  const hub = start([
    "serve",
    "--dev",
    ...["--ui", "off"],
    "--port",
    "0",
    "--internal-port",
    "0",
    "--log-level",
    "warn",
    "--drain-timeout",
    "1s",
    // Processes are started from the built program, which unit tests don't need.
    "--workers",
    "0",
  ]);
  const [, url = "", internal = ""] = await hub.until(
    /^progress-hub ready public=(\S+) internal=(\S+) pid=\d+ workers=0\n/,
  );
  const [, token = "", ingestToken = ""] = await hub.until(
    /^dev token=(\S+) ingest-token=(\S+) admin-token=\S+\n/m,
  );
  return { hub, url, internal, token, ingestToken };
}

describe("against a hub of serve --dev", () => {
  let dev: Dev;
  beforeAll(async () => {
    dev = await serveDev();
  });
  afterAll(async () => {
    dev.hub.signal("SIGTERM");
    expect(await dev.hub.code).toBe(0);
  });

  const watch = (...more: string[]): Running =>
    start(["watch", ...more, "--url", dev.url, "--token", dev.token]);
  const simulate = (...more: string[]) =>
    command([
      "simulate",
      "--internal",
      dev.internal,
      "--ingest-token",
      dev.ingestToken,
      "--users",
      "1",
      "--rate",
      "5000",
      ...more,
    ]);

  test("simulate sends, watch shows the job to its end, both end with 0", async () => {
    const plain = watch("sim-7-1-1");
    const json = watch("sim-7-1-1", "--json");
    await json.until(/"synced"/);
    const { code, out } = await simulate("--jobs", "1", "--photos", "4", "--seed", "7");
    expect(code).toBe(0);
    expect(out).toMatch(/^simulating 1 user into http:\S+, 5000 events\/s, seed 7\n/);
    const [, sent, accepted] =
      /^done after .*: (\d+) events sent, (\d+) accepted, \d+ unchanged, 0 rejected, .*; 1 of 1 jobs ended$/m.exec(
        out,
      ) ?? [];
    expect(Number(accepted)).toBeGreaterThan(0.9 * Number(sent));
    expect(await plain.code).toBe(0);
    expect(plain.out()).toMatch(
      /^\[#{20}\] 100\.0 % sim-7-1-1 .* (COMPLETED|PARTIAL), .*4 photos.*, job ended$/m,
    );
    expect(await json.code).toBe(0);
    const messages = json
      .out()
      .trim()
      .split("\n")
      .map((line): { type: string } => JSON.parse(line));
    expect(messages.at(-1)).toMatchObject({ type: "job_completed", jobId: "sim-7-1-1", progress: 100 });
  });

  test("the same seed again changes nothing", async () => {
    const sameAgain = ["--jobs", "1", "--photos", "3", "--seed", "8"];
    await simulate(...sameAgain);
    expect((await simulate(...sameAgain)).out).toMatch(/ 0 accepted, \d+ unchanged, 0 rejected/);
  });

  test("a duration is of the simulated clock: jobs begin in it and come to their end", async () => {
    const { code, out } = await simulate("--jobs", "1000", "--photos", "5", "--duration", "30s");
    const [, seconds, simulated, ended, begun] =
      /^done after (\S+) s \((\S+) s simulated\): .*; (\d+) of (\d+) jobs ended$/m.exec(out) ?? [];
    expect(code).toBe(0);
    expect(Number(seconds)).toBeLessThan(5);
    expect(Number(simulated)).toBeGreaterThan(20);
    expect(ended).toBe(begun);
    expect(Number(begun)).toBeGreaterThan(2);
  });

  test("watch gets through a proxy that lets neither WebSocket nor a stream through", async () => {
    const proxy = await startBlockingProxy(dev.url);
    proxy.block = (head) => /upgrade: websocket|text\/event-stream/i.test(head);
    const watching = start(["watch", "sim-11-1-1", "--url", proxy.url, "--token", dev.token]);
    await simulate("--jobs", "1", "--photos", "2", "--seed", "11");
    expect(await watching.code).toBe(0);
    expect(watching.out()).toMatch(/^\[#{20}\] 100\.0 % sim-11-1-1 .*job ended$/m);
    expect(watching.err()).toBe("");
    proxy.close();
  });

  test("Ctrl-C ends simulate with its summary and 0, and watch with 0", async () => {
    const argv = [
      "simulate",
      "--internal",
      dev.internal,
      "--ingest-token",
      dev.ingestToken,
      "--jobs",
      "100",
      "--rate",
      "50",
    ];
    const simulation = start(argv);
    await simulation.until(/sent=[1-9]/);
    const watching = watch();
    await watching.until(/ % sim-/);
    for (const running of [simulation, watching]) running.signal("SIGINT");
    expect(await simulation.code).toBe(0);
    expect(simulation.out()).toMatch(/^stopped after .* events sent/m);
    expect(await watching.code).toBe(0);
  });

  test("a job that failed ends watch with 1", async () => {
    const ids = { photoId: "p", jobId: "lost", userId: "demo" };
    const events = [
      { type: "uploadjob.created", data: { jobId: "lost", userId: "demo", photoCount: 1 } },
      { type: "photo.upload.failed", data: { ...ids, error: { code: "gone", message: "the disk is full" } } },
      { type: "uploadjob.completed", data: { jobId: "lost" } },
    ].map((event, index) => ({ specversion: "1.0", source: "/test", id: `lost-${index}`, ...event }));
    const answer = await fetch(`${dev.internal}/api/v1/events`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${dev.ingestToken}`,
        "content-type": "application/cloudevents-batch+json",
      },
      body: JSON.stringify(events),
    });
    expect(await answer.json()).toMatchObject({ accepted: 3 });
    const watching = watch("lost");
    expect(await watching.code).toBe(1);
    expect(watching.out()).toMatch(/lost\/p FAILED.*: the disk is full$/m);
  });

  test("a wrong secret is one clear line and 1; a missing one 2", async () => {
    const wrong = await command(["simulate", "--internal", dev.internal, "--ingest-token", "w".repeat(32)]);
    expect(wrong).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^progress-hub: .* refused the ingest token; .*\n$/),
    });
    const refused = await command(["watch", "--url", dev.url, "--token", "nonsense"]);
    expect(refused).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^progress-hub: the hub refused the connection: 401 token_invalid.*\n$/),
    });
    expect(await command(["watch", "--url", dev.url])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/--token is missing/),
    });
    expect(await command(["simulate", "--internal", dev.internal])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/--ingest-token is missing/),
    });
  });

  test.each([
    ["--port", (): string => dev.url],
    ["--internal-port", (): string => dev.internal],
  ])("%s in use is one clear line and 1", async (flag, taken) => {
    const { port } = new URL(taken());
    const ports = { "--port": "0", "--internal-port": "0", [flag]: port };
    const { code, err } = await command([
      "serve",
      "--dev",
      ...["--ui", "off"],
      "--log-level",
      "silent",
      ...Object.entries(ports).flat(),
    ]);
    expect(err).toBe(
      `progress-hub: port in use: 127.0.0.1:${port}; stop what listens there, or take another with ${flag} (0: any free one)\n`,
    );
    expect(code).toBe(1);
  });
});

test("the second signal ends serve at once", async () => {
  const { hub } = await serveDev();
  hub.signal("SIGTERM");
  hub.signal("SIGTERM");
  expect(hub.exits).toEqual([1]);
  expect(await hub.code).toBe(0);
});

test("SIGHUP without gateway processes says that there is nothing to replace", async () => {
  const { hub } = await serveDev();
  hub.signal("SIGHUP");
  hub.signal("SIGINT");
  expect(await hub.code).toBe(0);
  expect(hub.err()).toMatch(/the gateways were not replaced/);
});

describe("watch on a scripted hub", () => {
  interface Scripted {
    readonly url: string;
    /** Query of each connection, in order. */
    readonly queries: URLSearchParams[];
    readonly paths: string[];
    close(): Promise<void>;
  }

  /** Each entry is one connection: the frames it sends, then the code it closes with. */
  async function scripted(
    ...connections: readonly { frames: readonly object[]; code: number }[]
  ): Promise<Scripted> {
    const queries: URLSearchParams[] = [];
    const paths: string[] = [];
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    server.on("connection", (socket, request) => {
      const script = connections[queries.length] ?? { frames: [], code: 4400 };
      const { searchParams, pathname } = new URL(request.url ?? "", "http://hub");
      queries.push(searchParams);
      paths.push(pathname);
      for (const frame of script.frames) socket.send(JSON.stringify(frame));
      socket.close(script.code);
    });
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    return {
      url: `http://127.0.0.1:${port}`,
      queries,
      paths,
      close: () => new Promise((resolve) => server.close(() => resolve())),
    };
  }

  test("comes back after `reconnect` at the time it names, with the last id, and stops for good on 4429", async () => {
    const synced = { type: "synced", mode: "snapshot", id: "e-41" };
    const failed = {
      type: "upload_failed",
      jobId: "j",
      photoId: "p",
      status: "FAILED",
      progress: 5,
      attempt: 1,
    };
    const hub = await scripted(
      {
        frames: [synced, { ...failed, id: "e-42" }, { type: "reconnect", afterMs: 1_100 }],
        code: 1012,
      },
      {
        frames: [
          { type: "synced", mode: "resumed", id: "e-50" },
          { type: "reconnect", afterMs: 5 },
        ],
        code: 1012,
      },
      { frames: [], code: 4429 },
    );
    const { code, err, out } = await command(["watch", "--json", "--url", hub.url, "--token", "t"]);
    expect(hub.queries.map((query) => query.get("lastEventId"))).toEqual([null, "e-42", "e-50"]);
    expect(err).toMatch(
      /^connection closed \(1012\); coming back in 1\.1 s\n(.*\n)*progress-hub: disconnected for good: a newer connection/,
    );
    expect(out.split("\n")[0]).toBe(JSON.stringify(synced));
    expect(code).toBe(1);
    await hub.close();
  });

  test("ends with its job once all up to the head was received, under a path of a proxy, too", async () => {
    const job = { type: "job_completed", jobId: "j", status: "COMPLETED", progress: 100, photos: {} };
    const photo = { type: "upload_completed", jobId: "j", photoId: "p", status: "COMPLETED", progress: 100 };
    const frames = [
      { ...job, id: "e-7" },
      { ...photo, id: "e-8" },
      { type: "synced", mode: "snapshot", id: "e-8" },
    ];
    const hub = await scripted({ frames, code: 1012 });
    const argv = ["watch", "j", "--json", "--url", `${hub.url}/hub/`, "--token", "t"];
    const lines = frames.map((frame) => `${JSON.stringify(frame)}\n`);
    expect(await command(argv)).toEqual({ code: 0, out: lines.join(""), err: "" });
    expect(hub.paths).toEqual(["/hub/ws/upload-progress"]);
    await hub.close();
  });

  test.each([4400, 4401, 1009])("close %d ends it with 1", async (closeCode) => {
    const hub = await scripted({ frames: [], code: closeCode });
    expect(await command(["watch", "--url", hub.url, "--token", "t"])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^progress-hub: disconnected for good: .+\n$/),
    });
    await hub.close();
  });

  test("who takes the connection and says nothing can't be reached: 4", async () => {
    const server = createTcpServer((socket) => void socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const { code, err } = await command(["watch", "--url", `http://127.0.0.1:${port}`, "--token", "t"]);
    expect(err).toMatch(
      new RegExp(
        `^progress-hub: can't reach http://127\\.0\\.0\\.1:${port} \\(.+\\); is the hub running, .+\n$`,
      ),
    );
    expect(code).toBe(4);
    server.close();
  });

  test("what is no hub is refused clearly", async () => {
    const server = createServer((_request, response) => void response.writeHead(404).end());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const { code, err } = await command(["watch", "--url", `http://127.0.0.1:${port}`, "--token", "t"]);
    expect(err).toMatch(/^progress-hub: the hub refused the connection: 404; check --url and --token\n$/);
    expect(code).toBe(1);
    server.close();
  });
});
