import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { until } from "../../simulator/oracle/until.ts";
import { type BlockingProxy, startBlockingProxy } from "../blocking-proxy.ts";
import { event } from "../events.ts";
import { startTestHub, type TestHub } from "../hub.ts";
import {
  type ClientEnvironment,
  type FollowerThere,
  untilLive,
  untilShown,
  untilState,
} from "./environment.ts";
import type { FollowOptions } from "./follower.ts";

const TRANSPORTS = ["websocket", "sse", "polling", "socketio"] as const;
const FAST = { minRetryMs: 50, maxRetryMs: 200, connectMs: 1_000 };
/** In which a loop that does not wait would ask dozens of times. */
const LOOK_MS = 500;

/** The SDK in an environment, with a real hub, and a network in between that fails. */
export function describeWithRealHub(start: () => Promise<ClientEnvironment>): void {
  let environment: ClientEnvironment;
  let hub: TestHub;
  const proxies: BlockingProxy[] = [];

  beforeAll(async () => {
    environment = await start();
  });
  afterAll(() => environment.close());
  beforeEach(async () => {
    hub = await startHub();
  });
  afterEach(async () => {
    await environment.clear();
    for (const proxy of proxies.splice(0)) proxy.close();
    await hub.close();
  });

  const startHub = (port = 0): Promise<TestHub> =>
    startTestHub({ port, corsOrigins: environment.origin === null ? [] : [environment.origin] });

  const follow = (options: Partial<FollowOptions> = {}): Promise<FollowerThere> =>
    environment.follow({ url: hub.publicUrl, tokens: [hub.tokenFor("u")], times: FAST, ...options });

  async function startProxy(): Promise<BlockingProxy> {
    const proxy = await startBlockingProxy(hub.publicUrl);
    proxies.push(proxy);
    return proxy;
  }

  /** Until it has come again. */
  async function cutOff(proxy: BlockingProxy): Promise<void> {
    const before = proxy.requests;
    proxy.cut();
    await until(() => proxy.requests > before, "it comes again", 5_000);
  }

  async function upload(jobId: string, photoId: string): Promise<void> {
    const ids = { jobId, userId: "u", photoId };
    await hub.post([event.started({ ...ids, totalBytes: 10 }), event.completed({ ...ids, totalBytes: 10 })]);
  }

  const end = (jobId: string, photoCount: number) =>
    hub.post([event.jobCompleted({ jobId, userId: "u", photoCount })]);

  describe.each(TRANSPORTS)("over %s", (name) => {
    it("shows uploads, tells of the end of a job, and closes", async () => {
      const follower = await follow({ transports: [name] });
      await untilLive(follower);
      const done = follower.done("j");
      const reading = follower.read("j");
      await upload("j", "p");
      await end("j", 1);
      expect(await done).toMatchObject({ jobId: "j", status: "COMPLETED", hasEnded: true });
      expect((await reading).at(-1)).toMatchObject({ status: "COMPLETED" });
      expect(await follower.photos("j")).toMatchObject([
        { photoId: "p", status: "COMPLETED", progress: 100 },
      ]);
      await follower.close();
      expect(await follower.state()).toMatchObject({ phase: "closed", reason: "closed" });
    });

    it("resumes after its connection is cut, with a fresh token, and misses nothing", async () => {
      const proxy = await startProxy();
      const follower = await follow({ url: proxy.url, transports: [name] });
      await untilLive(follower);
      await upload("j", "one");
      await untilShown(follower, "j", "one");
      await cutOff(proxy);
      await upload("j", "two");
      await untilShown(follower, "j", "two");
      await untilLive(follower);
      const losses = (await follower.states()).filter(({ retryAtMs }) => retryAtMs !== null).length;
      // A browser itself repeats a request whose connection, kept from the one before, ends without an answer.
      if (name !== "polling") expect(losses).toBeGreaterThan(0);
      expect(await follower.tokensAsked()).toBe(1 + losses);
    });

    it("asks for another token where the first is not taken, and gives up at the second", async () => {
      // A WebSocket's refusal has no reason in a browser: the next way tells it.
      const transports = name === "websocket" ? (["websocket", "sse"] as const) : [name];
      const follower = await follow({ transports, tokens: ["nonsense", hub.tokenFor("u")] });
      await untilLive(follower);
      const hopeless = await follow({ transports, tokens: ["nonsense"] });
      await untilState(hopeless, "closed", ({ phase }) => phase === "closed");
      expect(await hopeless.state()).toMatchObject({ reason: "token_invalid" });
      await expect(hopeless.done("j")).rejects.toThrow(/closed \(token_invalid\) before the job j/);
    });

    it("does not ask again and again where there is nothing new, before it resumes or after", async () => {
      const proxy = await startProxy();
      const follower = await follow({ url: proxy.url, transports: [name] });
      await untilLive(follower);
      await cutOff(proxy);
      await untilLive(follower);
      const before = proxy.requests;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      expect(proxy.requests - before).toBeLessThan(3);
    });

    it("waits for a job that nobody has told of yet", async () => {
      const proxy = await startProxy();
      const follower = await follow({ url: proxy.url, transports: [name], jobId: "later" });
      await untilState(follower, "waits", ({ phase }) => phase !== "connecting");
      await cutOff(proxy);
      await upload("later", "p");
      await untilShown(follower, "later", "p");
    });

    it("of one job shows nothing else", async () => {
      await upload("other", "p");
      await upload("mine", "p");
      const follower = await follow({ transports: [name], jobId: "mine" });
      await untilShown(follower, "mine", "p");
      const done = follower.done("mine");
      await end("mine", 1);
      await done;
      expect(await follower.jobIds()).toEqual(["mine"]);
    });
  });

  describe("where ways are blocked", () => {
    it("falls from WebSocket to SSE, and to polling, and climbs back", async () => {
      const proxy = await startProxy();
      proxy.block = (head) => /upgrade: websocket|text\/event-stream/i.test(head);
      const follower = await follow({ url: proxy.url, times: { ...FAST, climbMs: 300 } });
      await untilLive(follower, "polling");
      await upload("j", "one");
      await untilShown(follower, "j", "one");
      proxy.block = () => false;
      await untilLive(follower, "websocket");
      await upload("j", "two");
      await untilShown(follower, "j", "two");
    });

    it("polls with Socket.IO where no WebSocket opens", async () => {
      const proxy = await startProxy();
      proxy.block = (head) => /upgrade: websocket/i.test(head);
      const follower = await follow({ url: proxy.url, transports: ["socketio"] });
      await untilLive(follower);
      await upload("j", "p");
      await untilShown(follower, "j", "p");
    });

    it("replaces the token over Socket.IO, and stays connected when the first one ends", async () => {
      const tokens = [hub.tokenFor("u", 2), hub.tokenFor("u", 60)];
      const endsAtMs = Date.now() + 2_500;
      const follower = await follow({ transports: ["socketio"], tokens });
      await untilLive(follower);
      await until(() => Date.now() > endsAtMs, "the first token has ended", 5_000);
      expect(await follower.tokensAsked()).toBe(2);
      expect((await follower.states()).filter(({ phase }) => phase === "resuming")).toEqual([]);
      await untilLive(follower);
    });

    it("comes back to a hub that is started again", async () => {
      const port = Number(new URL(hub.publicUrl).port);
      const follower = await follow();
      await untilLive(follower);
      await hub.close();
      await untilState(follower, "resuming", ({ phase }) => phase === "resuming");
      hub = await startHub(port);
      await untilLive(follower);
      await upload("j", "p");
      await untilShown(follower, "j", "p");
    });
  });
}
