import { describeWithFakeHub } from "../client/with-fake-hub.ts";
import { describeWithRealHub } from "../client/with-real-hub.ts";
import { describeInChromium } from "./chromium.ts";
import { pageEnvironment } from "./sdk-page.ts";

describeInChromium("the SDK in Chromium, with a real hub", () => describeWithRealHub(pageEnvironment));

describeInChromium("the SDK in Chromium, with a hub that fails as it is told", () =>
  describeWithFakeHub(pageEnvironment),
);
