import { io } from "socket.io-client";
import { expect, onTestFinished, test } from "vitest";
import { freePort } from "../../bench/target/free-port.ts";
import { frontElsewhere } from "../integration/gateway-fronts.ts";
import { eventually, tokenOf } from "../integration/gateway-harness.ts";
import { startClusterProcess } from "./cluster-process.ts";

test("stock clients that poll through another gateway are told that their session went with its own, and come back", async () => {
  const ports = [await freePort(), await freePort()];
  const cluster = await startClusterProcess(ports);
  onTestFinished(() => cluster.close());
  const front = await frontElsewhere(ports);
  onTestFinished(() => front.close());
  const clients = Array.from({ length: 6 }, (_, index) => {
    const auth = { token: tokenOf(`user${index}`) };
    const options = { path: "/ws/upload-progress", forceNew: true, transports: ["polling"], auth };
    const socket = io(front.url, options);
    onTestFinished(() => void socket.disconnect());
    const leavings: unknown[] = [];
    socket.on("disconnect", (reason, details) => {
      const status = typeof details === "object" && "description" in details ? details.description : null;
      leavings.push([reason, status]);
    });
    return { socket, leavings, sid: () => socket.io.engine?.id ?? "" };
  });
  await eventually(() => clients.every(({ socket }) => socket.connected), "all connected", 10_000);
  const bereaved = clients.filter(({ sid }) => sid().startsWith("1."));
  expect(bereaved.length).toBeGreaterThan(0);
  expect(bereaved.length).toBeLessThan(clients.length);
  front.without(ports[0] ?? 0);
  cluster.kill(1);
  await eventually(() => bereaved.every(({ leavings }) => leavings.length === 1), "told", 10_000);
  // 400 is engine.io's answer to a session it does not know.
  for (const { leavings } of bereaved) expect(leavings).toEqual([["transport error", 400]]);
  await eventually(() => clients.every(({ socket }) => socket.connected), "all back", 20_000);
  for (const { sid } of bereaved) expect(sid()).toMatch(/^2\./);
  const others = clients.filter((client) => !bereaved.includes(client));
  // Polls that waited at the one that was killed are cut off, as over any connection; none is told of its session.
  for (const { leavings } of others) expect(leavings).not.toContainEqual(["transport error", 400]);
  expect(await cluster.ask(2, "stats")).toMatchObject({ passedOn: { failedTotal: 0 } });
});
