import { expect, it } from "vitest";
import { slowCrowd } from "../../bench/scenarios/slow-crowd.ts";

it("fills what the kernel takes in half of the time, and before a heartbeat is missed", () => {
  for (const measureMs of [6_000, 10_000, 30_000, 60_000]) {
    const { users, devices, eventsPerUser } = slowCrowd(measureMs);
    const fillMs = (4_500_000 / 340 / eventsPerUser) * 1_000;
    expect(fillMs).toBeLessThanOrEqual(Math.min(15_000, measureMs / 2));
    expect(users === 1 || users * eventsPerUser <= 3_600).toBe(true);
    // 20 connections a user, of which three read well, and one may be a canary.
    expect(devices).toBeLessThanOrEqual(16);
    expect(users * devices * eventsPerUser).toBeLessThanOrEqual(50_000);
  }
  expect(slowCrowd(60_000)).toEqual(slowCrowd(30_000));
  expect(slowCrowd(30_000)).toEqual({ users: 4, devices: 14, eventsPerUser: 883 });
});

it("has somebody in the shortest run too", () => {
  expect(slowCrowd(500)).toMatchObject({ users: 1, devices: 1 });
});
