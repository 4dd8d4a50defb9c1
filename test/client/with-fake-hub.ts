import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import { until } from "../../simulator/oracle/until.ts";
import { type FakeHub, inTurn, type Play, startFakeHub, type Way, welcome } from "../fake-hub.ts";
import { type ClientEnvironment, type FollowerThere, untilLive, untilState } from "./environment.ts";
import type { FollowOptions } from "./follower.ts";
import { jobEnd, jobMessage, photoMessage, synced } from "./messages.ts";

const WAYS = ["websocket", "sse", "polling"] as const;
const FAST = { minRetryMs: 50, maxRetryMs: 50, connectMs: 2_000, heartbeatMs: 20_000 };
/** Timers may come a little before their time. */
const EARLY_MS = 5;
/** Without a request for so long, with retries of 50 ms: nobody will come any more. */
const QUIET_MS = 250;
const TRIES = 8;

/** A hub of its own for each test, and who follows it: they run beside each other, since most of what they do is wait. */
class Stage {
  readonly hub: FakeHub;
  readonly #environment: ClientEnvironment;
  readonly #followers: FollowerThere[] = [];

  constructor(environment: ClientEnvironment, hub: FakeHub) {
    this.#environment = environment;
    this.hub = hub;
  }

  async follow(options: Partial<FollowOptions> = {}): Promise<FollowerThere> {
    const given = { url: this.hub.url, tokens: ["token-1", "token-2"], times: FAST, ...options };
    const follower = await this.#environment.follow(given);
    this.#followers.push(follower);
    return follower;
  }

  async untilCame(count: number, { lines }: FakeHub = this.hub): Promise<void> {
    const story = (): string => JSON.stringify(lines.map(({ asked }) => asked));
    await until(() => lines.length >= count, `${count} have come`, 10_000, story);
  }

  /** For good: nobody comes any more. */
  async untilClosed(follower: FollowerThere, reason: string): Promise<void> {
    await untilState(follower, "closed", ({ phase }) => phase === "closed");
    expect(await follower.state()).toEqual({ phase: "closed", transport: null, reason, retryAtMs: null });
    const before = this.hub.lines.length;
    await this.untilQuiet();
    expect(this.hub.lines.slice(before).map(({ asked }) => asked)).toEqual([]);
  }

  /** Until nobody has come for a while, or it has become hopeless. */
  async untilQuiet(): Promise<void> {
    const beganAtMs = performance.now();
    const lastAtMs = (): number => Math.max(beganAtMs, this.hub.lines.at(-1)?.asked.atMs ?? 0);
    await until(() => performance.now() - lastAtMs() > QUIET_MS, "nobody comes any more", 5_000);
  }

  /** From the one that came before it, in milliseconds. */
  gapBefore(at: number): number {
    return (this.hub.lines[at]?.asked.atMs ?? 0) - (this.hub.lines[at - 1]?.asked.atMs ?? 0);
  }

  async close(): Promise<void> {
    for (const follower of this.#followers) await follower.close();
    this.hub.close();
  }
}

const progressOf = async (follower: FollowerThere): Promise<number | null> =>
  (await follower.photo("j", "p"))?.progress ?? null;

const untilProgress = (follower: FollowerThere, progress: number): Promise<true> =>
  until(async () => (await progressOf(follower)) === progress, `${progress} %`, 10_000);

/** The SDK in an environment, with a hub that does whatever a test says. */
export function describeWithFakeHub(start: () => Promise<ClientEnvironment>): void {
  let environment: ClientEnvironment;

  beforeAll(async () => {
    environment = await start();
  });
  afterAll(() => environment.close());

  async function begin({ onTestFinished }: TestContext): Promise<Stage> {
    const hub = await startFakeHub();
    const stage = new Stage(environment, hub);
    onTestFinished(() => stage.close());
    return stage;
  }

  describe.concurrent.each(WAYS)("over %s", (way) => {
    const others = way === "polling" ? 1 : 0;

    it("comes back after the last id, and shows nothing of a message that was cut", async (context) => {
      const stage = await begin(context);
      const { hub } = stage;
      hub.plays[way] = inTurn(
        (line) => line.say(photoMessage(1, 10), synced("snapshot", 1)),
        () => undefined,
      );
      const follower = await stage.follow({ transports: [way] });
      await untilLive(follower);
      // Who polls has come a second time, to wait.
      await stage.untilCame(1 + others);
      hub.plays[way] = (line) => line.say(photoMessage(3, 30), synced("resumed", 3));
      hub.last(way).cutWithin(photoMessage(2, 20));
      await untilProgress(follower, 30);
      const came = hub.lines[1 + others];
      expect(came?.asked).toMatchObject({ lastEventId: "a-1", token: "token-2", way });
      await untilLive(follower);
      const states = await follower.states();
      expect(states.map(({ phase }) => phase)).toContain("resuming");
      hub.plays[way] = () => undefined;
    });

    it("comes back from where it was before a snapshot that was cut in its midst", async (context) => {
      const stage = await begin(context);
      const { hub } = stage;
      hub.plays[way] = inTurn((line) => {
        line.say(photoMessage(1, 10), photoMessage(2, 20));
        line.cutWithin(photoMessage(3, 30));
      }, welcome);
      const follower = await stage.follow({ transports: [way] });
      await untilLive(follower);
      expect(hub.lines.slice(0, 2).map(({ asked }) => asked.lastEventId)).toEqual([null, null]);
    });

    it("comes back from what it can't read, and goes on", async (context) => {
      const stage = await begin(context);
      const { hub } = stage;
      const garbage = { websocket: "{]", sse: "data: {]\n\n:\nnonsense\n\n", polling: "<!doctype html>" };
      hub.plays[way] = inTurn(
        (line) => {
          line.garble(garbage[way]);
          if (way === "polling") return;
          line.say({ type: "tomorrow", id: "a-1", jobId: "j" }, photoMessage(2, 20), synced("snapshot", 2));
        },
        (line) => {
          if (!line.asked.waits) line.say({ type: "tomorrow" }, photoMessage(2, 20), synced("snapshot", 2));
        },
      );
      const follower = await stage.follow({ transports: [way] });
      await untilLive(follower);
      expect(await progressOf(follower)).toBe(20);
      expect(hub.lines.filter(({ asked }) => !asked.waits)).toHaveLength(1 + others);
    });

    it("asks for another token where one is not taken, and stops for good at the second", async (context) => {
      const stage = await begin(context);
      const { hub } = stage;
      const refuse: Play = (line) => {
        if (way === "websocket") line.end(4401, "token_expired");
        else line.refuse(401, { code: "token_expired" });
      };
      hub.plays[way] = inTurn(refuse, welcome);
      const follower = await stage.follow({ transports: [way] });
      await untilLive(follower);
      expect(hub.lines.slice(0, 2).map(({ asked }) => asked.token)).toEqual(["token-1", "token-2"]);
      await follower.close();
      hub.plays[way] = refuse;
      const before = hub.lines.length;
      await stage.untilClosed(await stage.follow({ transports: [way] }), "token_expired");
      expect(hub.lines).toHaveLength(before + 2);
    });

    it("comes back when it was told to, and not before", async (context) => {
      const stage = await begin(context);
      const { hub } = stage;
      const refusals: Record<Way, Play> = {
        websocket: (line) => {
          line.say(synced("snapshot", 0), { type: "reconnect", afterMs: 1_000 });
          line.end(1012, "restart");
        },
        sse: (line) => {
          line.garble("retry: 1000\n\n");
          line.end();
        },
        polling: (line) => line.refuse(503, { code: "draining", retryAfter: "1" }),
      };
      hub.plays[way] = inTurn(refusals[way], welcome);
      const follower = await stage.follow({ transports: [way] });
      await stage.untilCame(2);
      await untilLive(follower);
      expect(stage.gapBefore(1)).toBeGreaterThanOrEqual(1_000 - EARLY_MS);
    });

    it("of a job stops for good when it has ended", async (context) => {
      const stage = await begin(context);
      const { hub } = stage;
      hub.plays[way] = (line) => line.say(photoMessage(1, 100), jobEnd(2), synced("snapshot", 2));
      if (way === "sse") hub.plays.sse = inTurn(hub.plays.sse, (line) => line.refuse(204));
      const follower = await stage.follow({ transports: [way], jobId: "j" });
      if (way === "sse") {
        await untilLive(follower);
        hub.last("sse").end();
      }
      await stage.untilClosed(follower, "job_ended");
      expect(await follower.done("j")).toMatchObject({ status: "COMPLETED" });
      expect(hub.lines[0]?.asked.jobId).toBe("j");
    });

    it("waits between tries, whatever it is that they end by", async (context) => {
      const stage = await begin(context);
      const live: Play = (line) => {
        if (line.asked.waits) line.cut();
        else line.say(synced("snapshot", 0));
        if (way !== "polling") line.end(1011);
      };
      // Chromium asks once more by itself where a connection that it kept is cut before an answer.
      const more = environment.origin === null || way === "websocket" ? 0 : 1;
      const once = { asks: 1, more: 0 };
      const plays: readonly { readonly play: Play; readonly asks: number; readonly more: number }[] = [
        { play: (line) => line.refuse(500), ...once },
        { play: (line) => line.cut(), asks: 1, more },
        { play: (line) => line.end(1011), ...once },
        { play: (line) => line.cutWithin(photoMessage(1, 10)), ...once },
        { play: live, ...(way === "polling" ? { asks: 2, more } : once) },
      ];
      const hubs = await Promise.all(plays.map(({ play }) => startFakeHub({ [way]: play })));
      const times = { ...FAST, minRetryMs: 200, maxRetryMs: 200 };
      try {
        const followers = await Promise.all(
          hubs.map(({ url }) => stage.follow({ url, transports: [way], times })),
        );
        for (const [at, one] of hubs.entries()) {
          const follower = followers[at];
          const { asks, more } = plays[at] ?? once;
          const waitsOf = async () =>
            ((await follower?.states()) ?? []).flatMap(({ retryAtMs, atMs }) =>
              retryAtMs === null ? [] : [{ atMs, ms: retryAtMs - atMs }],
            );
          await until(async () => (await waitsOf()).length > TRIES, `${TRIES + 1} waits`, 10_000);
          // A page whose WebSocket is refused asks over HTTP what the hub has against it.
          const came = one.lines.filter(({ asked }) => asked.way === way).length;
          const waits = await waitsOf();
          expect(came).toBeGreaterThan(TRIES * asks);
          expect(came).toBeLessThanOrEqual((waits.length + 1) * (asks + more));
          const between = waits.slice(0, TRIES);
          // The chance of eight random waits of 0 to 200 ms to be less together is one in ten millions.
          expect(between.reduce((sum, { ms }) => sum + ms, 0)).toBeGreaterThan(100);
          for (const [index, { atMs, ms }] of between.entries()) {
            expect((waits[index + 1]?.atMs ?? 0) - atMs).toBeGreaterThan(ms - EARLY_MS);
          }
        }
      } finally {
        await stage.close();
        for (const one of hubs) one.close();
      }
    });
  });

  it.concurrent.for([
    [4400, "bad_frame"],
    [4429, "replaced"],
    [1009, "too_big"],
  ] as const)("stops for good on %i", async ([code, reason], context) => {
    const stage = await begin(context);
    const { hub } = stage;
    const follower = await stage.follow();
    await untilLive(follower);
    hub.last("websocket").end(code, reason);
    await stage.untilClosed(follower, reason);
  });

  it.concurrent.for(["sse", "polling"] as const)(
    "stops for good where it is forbidden by %s",
    async (way, context) => {
      const stage = await begin(context);
      const { hub } = stage;
      hub.plays[way] = (line) => line.refuse(403, { code: "origin_not_allowed" });
      await stage.untilClosed(await stage.follow({ transports: [way] }), "origin_not_allowed");
    },
  );

  it.concurrent("does not poll again and again where nobody holds a poll until there is news", async (context) => {
    const stage = await begin(context);
    const { hub } = stage;
    hub.plays.polling = (line) => line.say(synced("resumed", 0));
    const follower = await stage.follow({ transports: ["polling"] });
    await untilLive(follower);
    await stage.untilQuiet();
    expect(hub.lines.length).toBeLessThan(4);
    hub.plays.polling = (line) => line.say(photoMessage(1, 10), synced("resumed", 1));
    await untilProgress(follower, 10);
  });

  it.concurrent("sends the next token over WebSocket", async (context) => {
    const stage = await begin(context);
    const { hub } = stage;
    const follower = await stage.follow({ transports: ["websocket"] });
    await untilLive(follower);
    const line = hub.last("websocket");
    line.say({ type: "token_expiring", expiresIn: 30 });
    await until(() => line.heard.length > 0, "the next token", 5_000);
    expect(line.heard.map((text) => JSON.parse(text))).toEqual([{ type: "refresh", token: "token-2" }]);
    expect(hub.lines).toHaveLength(1);
  });

  it.concurrent("comes by SSE again with the next token, after the last id", async (context) => {
    const stage = await begin(context);
    const { hub } = stage;
    hub.plays.sse = inTurn((line) => line.say(photoMessage(1, 10), synced("snapshot", 1)), welcome);
    const follower = await stage.follow({ transports: ["sse"] });
    await untilLive(follower);
    const line = hub.last("sse");
    line.say({ type: "token_expiring", expiresIn: 30 });
    await stage.untilCame(2);
    expect(hub.last("sse").asked).toMatchObject({ token: "token-2", lastEventId: "a-1" });
    await until(() => line.isOver, "the first is left", 5_000);
    await untilLive(follower);
  });

  it.concurrent.for(["websocket", "sse"] as const)(
    "takes silence of %s for its end, and heartbeats not",
    async (way, context) => {
      const stage = await begin(context);
      const { hub } = stage;
      const follower = await stage.follow({
        transports: [way],
        times: { ...FAST, connectMs: 400, heartbeatMs: 250 },
      });
      await untilLive(follower);
      await untilState(follower, "silence", ({ reason }) => reason === "silence");
      await stage.untilCame(2);
      await untilLive(follower);
      expect(stage.gapBefore(1)).toBeGreaterThanOrEqual(500 - EARLY_MS);
      const line = hub.last(way);
      const came = hub.lines.length;
      let beats = 0;
      await until(
        () => {
          if (way === "sse") line.garble(":\n\n");
          else line.say({ type: "heartbeat" });
          beats += 1;
          return performance.now() - line.asked.atMs > 1_500;
        },
        "a second and a half of heartbeats",
        5_000,
      );
      expect(beats).toBeGreaterThan(3);
      expect(hub.lines).toHaveLength(came);
    },
  );

  it.concurrent("falls from a WebSocket that hangs, and SSE that a proxy answers, to polling, and climbs back", async (context) => {
    const stage = await begin(context);
    const { hub } = stage;
    hub.plays.websocket = () => undefined;
    hub.plays.sse = (line) => line.refuse(200);
    hub.plays.polling = inTurn((line) => line.say(photoMessage(1, 10), synced("snapshot", 1)), welcome);
    const follower = await stage.follow({ times: { ...FAST, connectMs: 300, climbMs: 200 } });
    await untilLive(follower, "polling");
    expect(hub.lines.slice(0, 3).map(({ asked }) => asked.way)).toEqual([...WAYS]);
    hub.plays.websocket = welcome;
    await untilLive(follower, "websocket");
    expect(hub.last("websocket").asked.lastEventId).toBe("a-1");
    await until(() => hub.last("polling").isOver, "polling is left", 5_000);
    hub.last("websocket").say(photoMessage(2, 20));
    await untilProgress(follower, 20);
  });

  it.concurrent("shows 500 messages of the past, and each job and photo of them", async (context) => {
    const stage = await begin(context);
    const { hub } = stage;
    hub.plays.websocket = (line) => {
      for (let seq = 1; seq <= 500; seq += 1) {
        line.say(photoMessage(seq, seq / 10, { photoId: `p${seq % 50}` }));
      }
      line.say(jobMessage(501), synced("snapshot", 501));
    };
    const follower = await stage.follow();
    await untilLive(follower);
    const photos = await follower.photos("j");
    expect(photos).toHaveLength(50);
    expect(Math.min(...photos.map(({ progress }) => progress ?? 0))).toBe(45.1);
  });
}
