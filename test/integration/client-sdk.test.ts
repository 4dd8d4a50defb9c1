import { describe } from "vitest";
import { nodeEnvironment } from "../client/environment.ts";
import { describeWithRealHub } from "../client/real-hub.ts";

describe("the SDK in Node, with a real hub", () => describeWithRealHub(nodeEnvironment));
