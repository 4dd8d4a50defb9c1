import { describe } from "vitest";
import { describeWithRealHub } from "../client/real-hub.ts";
import { describeInChromium } from "./chromium.ts";
import { pageEnvironment } from "./sdk-page.ts";

describeInChromium("the SDK in Chromium", () => {
  describe("with a real hub", () => describeWithRealHub(pageEnvironment));
});
