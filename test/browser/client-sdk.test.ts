import { afterAll, beforeAll, expect, it } from "vitest";
import { until } from "../../simulator/oracle/until.ts";
import { untilLive } from "../client/environment.ts";
import { synced } from "../client/messages.ts";
import { describeWithFakeHub } from "../client/with-fake-hub.ts";
import { describeWithRealHub } from "../client/with-real-hub.ts";
import { inTurn, startFakeHub, welcome } from "../fake-hub.ts";
import { describeInChromium } from "./chromium.ts";
import { type PageEnvironment, pageEnvironment } from "./sdk-page.ts";

describeInChromium("the SDK in Chromium, with a real hub", () => describeWithRealHub(pageEnvironment));

describeInChromium("the SDK in Chromium, with a hub that fails as it is told", () =>
  describeWithFakeHub(pageEnvironment),
);

describeInChromium("the SDK in Chromium", () => {
  let environment: PageEnvironment;

  beforeAll(async () => {
    environment = await pageEnvironment();
  });
  afterAll(() => environment.close());

  it("does not wait any longer when the network is back", async () => {
    const hub = await startFakeHub({
      websocket: inTurn((line) => {
        line.say(synced("snapshot", 0), { type: "reconnect", afterMs: 300_000 });
        line.end(1012);
      }, welcome),
    });
    try {
      const follower = await environment.follow({ url: hub.url, tokens: ["token"] });
      await until(async () => (await follower.state()).retryAtMs !== null, "waits", 5_000);
      await environment.context.setOffline(true);
      expect((await follower.state()).phase).toBe("resuming");
      await environment.context.setOffline(false);
      await untilLive(follower, "websocket");
    } finally {
      await environment.clear();
      hub.close();
    }
  });
});
