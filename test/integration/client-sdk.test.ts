import { describe } from "vitest";
import { nodeEnvironment } from "../client/environment.ts";
import { describeWithFakeHub } from "../client/with-fake-hub.ts";
import { describeWithRealHub } from "../client/with-real-hub.ts";

describe("the SDK in Node, with a real hub", () => describeWithRealHub(nodeEnvironment));

describe("the SDK in Node, with a hub that fails as it is told", () => describeWithFakeHub(nodeEnvironment));
