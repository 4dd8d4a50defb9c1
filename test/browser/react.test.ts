import type { Browser, JSHandle, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { until } from "../../simulator/oracle/until.ts";
import { jobMessage, photoMessage, synced } from "../client/messages.ts";
import { type FakeHub, startFakeHub } from "../fake-hub.ts";
import { bundled } from "./bundle.ts";
import { describeInChromium, launchChromium } from "./chromium.ts";
import type { Scene, SceneOptions, View } from "./react-entry.tsx";
import { type ScriptServer, serveScript } from "./script-server.ts";

const PHOTOS = Array.from({ length: 200 }, (_, at) => `p${at}`);
const ALL: View = { jobs: ["j"], photos: PHOTOS, hasConnection: true };

let browser: Browser;
let server: ScriptServer;
let hub: FakeHub;
let page: Page;
let scene: JSHandle<Scene>;

describeInChromium("the hooks of React, in Chromium", () => {
  beforeAll(async () => {
    [browser, server] = await Promise.all([
      launchChromium(),
      bundled("test/browser/react-entry.tsx", "development").then((script) => serveScript(script)),
    ]);
    page = await browser.newPage();
  });
  afterAll(async () => {
    await browser.close();
    server.close();
  });
  beforeEach(async () => {
    // Until a test says otherwise it is live, and nothing comes but what the test applies to the store.
    hub = await startFakeHub();
    await page.goto(server.url);
  });
  afterEach(async () => {
    await scene.evaluate((it) => it.close());
    hub.close();
  });

  async function begin(options: Partial<SceneOptions> = {}): Promise<void> {
    const given = { url: hub.url, ...options };
    scene = await page.evaluateHandle((to) => window.newScene(to), given);
    await until(() => scene.evaluate((it) => it.isLive()), "live", 5_000);
  }

  const show = (view: View): Promise<void> => scene.evaluate((it, given) => it.show(given), view);
  const apply = (...messages: readonly object[]): Promise<void> =>
    scene.evaluate((it, given) => it.apply(given), messages);
  const replay = (...messages: readonly object[]): Promise<void> =>
    scene.evaluate((it, given) => it.replay(given), messages);
  const renders = (): Promise<Record<string, number>> => scene.evaluate((it) => it.renders());
  const subscriptions = (): Promise<number> => scene.evaluate((it) => it.subscriptions());
  const textOf = (selector: string): Promise<string | null> => page.textContent(selector);

  it("renders each once, and again only what changed", async () => {
    await begin();
    await show(ALL);
    const all = [...PHOTOS.map((photoId) => `row ${photoId}`), "head j", "connection"];
    expect(await renders()).toEqual(Object.fromEntries(all.map((one) => [one, 1])));

    await apply(photoMessage(1, 10, { photoId: "p7" }), photoMessage(2, 20, { photoId: "p150" }));
    expect(await renders()).toEqual({ "row p7": 1, "row p150": 1 });
    expect([await textOf("[data-photo=p7]"), await textOf("[data-photo=p150]")]).toEqual(["10", "20"]);

    await apply(jobMessage(3));
    expect(await renders()).toEqual({ "head j": 1 });
    expect(await textOf("[data-job=j]")).toBe("UPLOADING 10");

    await apply(
      photoMessage(1, 5, { photoId: "p150" }),
      jobMessage(1),
      photoMessage(9, 9, { photoId: "other" }),
    );
    expect(await renders()).toEqual({});
  });

  it("renders nothing for a snapshot of what is there already, and what of it has changed", async () => {
    await begin();
    await show({ ...ALL, lists: ["j"] });
    const past = PHOTOS.map((photoId, at) => photoMessage(at + 1, 10, { photoId }));
    await replay(...past, jobMessage(201), synced("snapshot", 201));
    await renders();
    await replay(...past, jobMessage(201), synced("snapshot", 201));
    expect(await renders()).toEqual({});
    const rest = past.slice(0, 199);
    await replay(
      ...rest,
      photoMessage(202, 20, { photoId: "p199" }),
      jobMessage(201),
      synced("snapshot", 202),
    );
    expect(await renders()).toEqual({ "row p199": 1, "row j p199": 1 });
  });

  it("renders each row once, however many messages of the past come, and however fast those of the present", async () => {
    await begin();
    await show(ALL);
    await renders();
    const past = Array.from({ length: 500 }, (_, at) =>
      photoMessage(at + 1, at / 10, { photoId: `p${at % 150}` }),
    );
    await replay(...past, jobMessage(501), synced("snapshot", 501));
    const changed = PHOTOS.slice(0, 150).map((photoId) => `row ${photoId}`);
    expect(await renders()).toEqual(Object.fromEntries([...changed, "head j"].map((one) => [one, 1])));
    expect(await textOf("[data-photo=p49]")).toBe("49.9");

    await apply(...Array.from({ length: 50 }, (_, at) => photoMessage(600 + at, 50 + at, { photoId: "p3" })));
    expect(await renders()).toEqual({ "row p3": 1 });
    expect(await textOf("[data-photo=p3]")).toBe("99");
  });

  it("renders a list when a photo is added to it, and of its rows the new one", async () => {
    await begin();
    await show({ lists: ["j"], jobs: ["j"] });
    await apply(photoMessage(1, 10, { photoId: "a" }), photoMessage(2, 10, { photoId: "b" }));
    await renders();
    await apply(photoMessage(3, 30, { photoId: "c" }));
    expect(await renders()).toEqual({ "list j": 1, "row j c": 1 });
    await apply(photoMessage(4, 40, { photoId: "b" }));
    expect(await renders()).toEqual({ "row j b": 1 });
    expect(await textOf("[data-list=j]")).toBe("104030");
  });

  it("shows nothing of what is unknown, and what it is when it comes", async () => {
    await begin();
    await show({ jobs: ["j"], photos: ["p"], photosOf: [["j", "p"]] });
    expect(await textOf("#root")).toBe("nothingnothingnothing");
    await apply(photoMessage(1, 10), jobMessage(2));
    expect(await textOf("#root")).toBe("UPLOADING 101010");
  });

  it("tells photos of one id in two jobs apart", async () => {
    await begin();
    await show({
      photosOf: [
        ["j", "p"],
        ["k", "p"],
      ],
    });
    await renders();
    await apply(photoMessage(1, 10), photoMessage(2, 20, { jobId: "k" }));
    expect([await textOf("[data-in=j]"), await textOf("[data-in=k]")]).toEqual(["10", "20"]);
    await apply(photoMessage(3, 30));
    expect(await renders()).toEqual({ "row j p": 2, "row k p": 1 });
  });

  it("shows the other photo and the other job when its props change, and hears of the first no more", async () => {
    await begin();
    await apply(photoMessage(1, 10, { photoId: "a" }), photoMessage(2, 20, { photoId: "b" }), jobMessage(3));
    await show({ photos: ["a"], jobs: ["j"] });
    const before = await subscriptions();
    await show({ photos: ["b"], jobs: ["k"] });
    expect(await textOf("#root")).toBe("nothing20");
    expect(await subscriptions()).toBe(before);
    await renders();
    await apply(photoMessage(4, 40, { photoId: "a" }), jobMessage(5));
    expect(await renders()).toEqual({});
    await apply(photoMessage(6, 60, { photoId: "b" }), jobMessage(7, { jobId: "k" }));
    expect(await textOf("#root")).toBe("UPLOADING 1060");
  });

  it("leaves no subscription behind where StrictMode mounts twice, and none when it is unmounted", async () => {
    await begin({ isStrict: true });
    await show({ ...ALL, lists: ["j"] });
    expect(await subscriptions()).toBe(PHOTOS.length + 3);
    await show({ photos: ["p1"] });
    expect(await subscriptions()).toBe(1);
    await scene.evaluate((it) => it.unmount());
    expect(await subscriptions()).toBe(0);
    await show({ photos: ["p1"] });
    await apply(photoMessage(1, 10, { photoId: "p1" }));
    expect(await textOf("#root")).toBe("10");
    expect(await subscriptions()).toBe(1);
  });

  it("shows the connection as it is, and renders nothing else for it", async () => {
    hub.plays.websocket = (line) => line.say(photoMessage(1, 10, { photoId: "p1" }), synced("snapshot", 1));
    await begin();
    await show(ALL);
    await page.waitForSelector("text=live websocket");
    expect(await textOf("[data-photo=p1]")).toBe("10");
    await renders();
    hub.plays.websocket = (line) => line.cut();
    hub.last("websocket").end(1012);
    await page.waitForSelector("text=resuming");
    expect(Object.keys(await renders())).toEqual(["connection"]);
    hub.plays.websocket = (line) => line.say(photoMessage(2, 20, { photoId: "p1" }), synced("resumed", 2));
    await until(async () => (await textOf("[data-photo=p1]")) === "20", "the newer", 10_000);
  });

  it("never shows one photo in two ways, while renders take long and messages come", async () => {
    await begin();
    await apply(photoMessage(1, 0));
    const messages = Array.from({ length: 200 }, (_, at) => photoMessage(at + 2, (at + 1) / 10));
    const { torn, commits, interrupted } = await scene.evaluate(
      (it, given) => it.turn("p", 12, given),
      messages,
    );
    console.log(`${commits} commits, ${interrupted} messages in the midst of a render`);
    expect(torn).toEqual([]);
    expect(commits).toBeGreaterThan(10);
    expect(interrupted).toBeGreaterThan(5);
  });

  it.each<[string, View, View]>([
    ["by its id again", { photos: ["p"] }, { photos: ["p", "p"] }],
    ["by its job and id", { photos: ["p"] }, { photos: ["p"], photosOf: [["j", "p"]] }],
    ["by its id", { photosOf: [["j", "p"]] }, { photosOf: [["j", "p"]], photos: ["p"] }],
  ])("shows a photo %s as it is shown already, though it has changed", async (_how, before, after) => {
    await begin();
    await show(before);
    const comeIn = (message: object): Promise<readonly string[]> =>
      scene.evaluate((it, given) => it.applyThenShow(...given), [[message], after] as const);
    const texts = (): Promise<readonly string[]> => scene.evaluate((it) => it.texts());
    expect(new Set(await comeIn(photoMessage(1, 10))).size).toBe(1);
    await until(async () => (await texts()).join() === "10,10", "both are told", 5_000);
    await show(before);
    expect(new Set(await comeIn(photoMessage(2, 20))).size).toBe(1);
    await until(async () => (await texts()).join() === "20,20", "both are told", 5_000);
  });

  it("says what is missing where there is no provider", async () => {
    await begin();
    expect(await scene.evaluate((it) => it.withoutProvider())).toMatch(/no ProgressProvider above/);
  });

  it("renders on a server, and takes over from there what has come in the meantime", async () => {
    await begin();
    const view: View = { jobs: ["j"], photos: ["p"], hasConnection: true };
    const html = await scene.evaluate((it, given) => it.html(given), view);
    expect(
      html
        .replaceAll(/<[^>]*>/g, " ")
        .trim()
        .split(/ {2,}/),
    ).toEqual(["connecting null", "nothing", "nothing"]);
    await apply(photoMessage(1, 10), jobMessage(2));
    const differences = await scene.evaluate((it, given) => it.hydrate(...given), [view, html] as const);
    expect(differences).toEqual([]);
    expect(await textOf("[data-photo=p]")).toBe("10");
    expect(await textOf("[data-job=j]")).toBe("UPLOADING 10");
  });
});
