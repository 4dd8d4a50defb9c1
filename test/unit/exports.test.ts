import { expect, it } from "vitest";
import * as api from "../../src/index.ts";

it("exports this and nothing else", () => {
  const names = ["HubError", "attachTusServer", "createPublisher", "settingsFor", "startHub"];
  expect(Object.keys(api).sort()).toEqual(names);
});
