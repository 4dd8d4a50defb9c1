import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { until } from "../../simulator/oracle/until.ts";
import { type ConnectionState, type ConnectOptions, connect, type Progress } from "../../src/client/node.ts";
import { type BlockingProxy, startBlockingProxy } from "../blocking-proxy.ts";
import { event } from "../events.ts";
import { startTestHub, type TestHub } from "../hub.ts";

const TRANSPORTS = ["websocket", "sse", "polling", "socketio"] as const;
const FAST = { minRetryMs: 50, maxRetryMs: 200, connectMs: 1_000 };

let hub: TestHub;
const open: { close(): unknown }[] = [];

beforeEach(async () => {
  hub = await startTestHub();
});

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
  await hub.close();
});

function follow(options: Partial<ConnectOptions> = {}): Progress {
  const progress = connect({
    url: hub.publicUrl,
    token: () => hub.tokenFor("u"),
    times: FAST,
    ...options,
  });
  open.push(progress);
  return progress;
}

async function startProxy(target: string): Promise<BlockingProxy> {
  const proxy = await startBlockingProxy(target);
  open.push(proxy);
  return proxy;
}

const live = (progress: Progress) =>
  until(
    () => ["live", "polling"].includes(progress.state.phase),
    "live",
    5_000,
    () => JSON.stringify(progress.state),
  );

/** It is told of, however short it is. Who polls may be between two polls. */
async function cutOff(progress: Progress, proxy: BlockingProxy): Promise<void> {
  const lost = new Promise<void>((resolve) => {
    const stop = progress.onState(({ phase }) => {
      if (phase !== "resuming") return;
      stop();
      resolve();
    });
  });
  proxy.cut();
  await Promise.race([lost, new Promise((resolve) => setTimeout(resolve, 3_000))]);
}

async function upload(jobId: string, photoId: string): Promise<void> {
  const ids = { jobId, userId: "u", photoId };
  await hub.post([event.started({ ...ids, totalBytes: 10 }), event.completed({ ...ids, totalBytes: 10 })]);
}

const end = (jobId: string, photoCount: number) =>
  hub.post([event.jobCompleted({ jobId, userId: "u", photoCount })]);

describe.each(TRANSPORTS)("the SDK over %s", (name) => {
  it("shows uploads, tells of the end of a job, and closes", async () => {
    const progress = follow({ transports: [name] });
    await live(progress);
    const done = progress.job("j").done();
    const states: string[] = [];
    const reading = (async () => {
      for await (const { status } of progress.job("j")) states.push(status);
    })();
    await upload("j", "p");
    await end("j", 1);
    expect(await done).toMatchObject({ jobId: "j", status: "COMPLETED", hasEnded: true });
    await reading;
    expect(states.at(-1)).toBe("COMPLETED");
    expect(progress.job("j").photos()).toMatchObject([{ photoId: "p", status: "COMPLETED", progress: 100 }]);
    progress.close();
    expect(progress.state).toMatchObject({ phase: "closed", reason: "closed" });
  });

  it("resumes after its connection is cut, with a fresh token, and misses nothing", async () => {
    const proxy = await startProxy(hub.publicUrl);
    let tokens = 0;
    const progress = follow({
      url: proxy.url,
      transports: [name],
      token: () => {
        tokens += 1;
        return hub.tokenFor("u");
      },
    });
    await live(progress);
    await upload("j", "one");
    await until(() => progress.store.photo("j", "one")?.hasEnded, "shown", 5_000);
    await cutOff(progress, proxy);
    await upload("j", "two");
    await until(() => progress.store.photo("j", "two")?.hasEnded, "shown after the cut", 5_000);
    await live(progress);
    expect(tokens).toBeGreaterThan(1);
  });

  it("asks for another token where the first is not taken, and gives up at the second", async () => {
    const given = ["nonsense", hub.tokenFor("u")];
    // A WebSocket's refusal has no reason in a browser: the next way tells it.
    const transports = name === "websocket" ? (["websocket", "sse"] as const) : [name];
    const progress = follow({ transports, token: () => given.shift() ?? "nonsense" });
    await live(progress);
    const hopeless = follow({ transports, token: () => "nonsense" });
    await until(() => hopeless.state.phase === "closed", "closed", 5_000);
    expect(hopeless.state.reason).toBe("token_invalid");
    await expect(hopeless.job("j").done()).rejects.toThrow(/closed \(token_invalid\) before the job j/);
  });

  it("does not ask again and again where there is nothing new, before it resumes or after", async () => {
    let requests = 0;
    const counting: typeof fetch = (...args) => {
      requests += 1;
      return fetch(...args);
    };
    const proxy = await startProxy(hub.publicUrl);
    const progress = follow({ url: proxy.url, transports: [name], fetch: counting });
    await live(progress);
    await cutOff(progress, proxy);
    await live(progress);
    const before = requests;
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(requests - before).toBeLessThan(3);
  });

  it("waits for a job that nobody has told of yet", async () => {
    const proxy = await startProxy(hub.publicUrl);
    const progress = follow({ url: proxy.url, transports: [name], jobId: "later" });
    await until(() => progress.state.phase !== "connecting", "waits", 5_000);
    await cutOff(progress, proxy);
    await upload("later", "p");
    await until(() => progress.store.photo("later", "p")?.hasEnded, "shown", 8_000);
  });

  it("of one job shows nothing else", async () => {
    const progress = follow({ transports: [name], jobId: "mine" });
    await upload("other", "p");
    await upload("mine", "p");
    await until(() => progress.store.photo("mine", "p")?.hasEnded, "shown", 8_000);
    await end("mine", 1);
    await progress.job("mine").done();
    expect(progress.store.jobIds()).toEqual(["mine"]);
  });
});

describe("the SDK where ways are blocked", () => {
  it("falls from WebSocket to SSE, and to polling, and climbs back", async () => {
    const proxy = await startProxy(hub.publicUrl);
    proxy.block = (head) => /upgrade: websocket/i.test(head) || /text\/event-stream/.test(head);
    const progress = follow({ url: proxy.url, times: { ...FAST, climbMs: 300 } });
    await until(
      () => progress.state.phase === "polling",
      "polls",
      8_000,
      () => JSON.stringify(progress.state),
    );
    await upload("j", "one");
    await until(() => progress.store.photo("j", "one")?.hasEnded, "shown by polling", 8_000);
    proxy.block = () => false;
    await until(
      () => progress.state.transport === "websocket" && progress.state.phase === "live",
      "climbed",
      8_000,
    );
    await upload("j", "two");
    await until(() => progress.store.photo("j", "two")?.hasEnded, "shown by WebSocket", 5_000);
  });

  it("polls with Socket.IO where no WebSocket opens", async () => {
    const proxy = await startProxy(hub.publicUrl);
    proxy.block = (head) => /upgrade: websocket/i.test(head);
    const progress = follow({ url: proxy.url, transports: ["socketio"] });
    await live(progress);
    await upload("j", "p");
    await until(() => progress.store.photo("j", "p")?.hasEnded, "shown", 5_000);
  });

  it("replaces the token over Socket.IO, and stays connected when the first one ends", async () => {
    const states: ConnectionState[] = [];
    let tokens = 0;
    const progress = follow({
      transports: ["socketio"],
      token: () => {
        tokens += 1;
        return hub.tokenFor("u", tokens === 1 ? 2 : 60);
      },
    });
    progress.onState((state) => states.push(state));
    await live(progress);
    await until(() => tokens === 2, "asked for another token", 5_000);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(states.filter(({ phase }) => phase === "resuming")).toEqual([]);
    expect(progress.state.phase).toBe("live");
  });

  it("shows the same to who shares a connection, or has one of its own where none can be shared", async () => {
    const both = [follow({ share: true }), follow({ share: "u" })];
    for (const progress of both) await live(progress);
    await upload("j", "p");
    for (const { store } of both) await until(() => store.photo("j", "p")?.hasEnded, "shown", 5_000);
  });

  it("comes back to a hub that is started again", async () => {
    const port = Number(new URL(hub.publicUrl).port);
    const progress = follow();
    await live(progress);
    await hub.close();
    await until(() => progress.state.phase === "resuming", "resuming", 5_000);
    hub = await startTestHub({ port });
    await live(progress);
    await upload("j", "p");
    await until(() => progress.store.photo("j", "p")?.hasEnded, "shown", 5_000);
  });
});
