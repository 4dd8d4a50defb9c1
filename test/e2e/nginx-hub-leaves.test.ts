import { afterEach, expect, it } from "vitest";
import { until } from "../../simulator/oracle/until.ts";
import { type Watcher, watchers } from "../clients.ts";
import { event } from "../events.ts";
import { type Cluster, tokenFor } from "../faults/cluster.ts";
import { describeWithFleet, endFleets, type Fleet, startFleet } from "../nginx/fleet.ts";

// One hub of two behind nginx is restarted, or dies: nobody is left without a hub.

const USER = "u";
/** A stream that was refused by a hub on its way out comes back within 15 s. */
const BACK_MS = 30_000;

const clients = new Set<Client>();

afterEach(async () => {
  for (const client of clients) client.close();
  clients.clear();
  await endFleets();
});

/** A watcher that comes back by itself, the native WebSocket with a fresh connection and its last id. */
interface Client {
  readonly now: Watcher;
  /** True: some connection of it was sent `reconnect`. */
  wasWarned(): boolean;
  losses(): number;
  close(): void;
}

function connect(kind: "websocket" | "socketio" | "sse", fleet: Fleet, pollingOnly = false): Client {
  const options = { publicUrl: fleet.nginx.url, token: tokenFor(USER) };
  const past: Watcher[] = [];
  let isClosed = false;
  const make = (continues?: Watcher): Watcher =>
    watchers[kind]({
      ...options,
      ...(pollingOnly && { transports: ["polling"] as const }),
      ...(continues && { continues }),
    });
  let now = make();
  const comeBack = async (): Promise<void> => {
    for (;;) {
      const last = now;
      await last.until(({ ended }) => ended, "it ends", 60_000);
      if (isClosed) return;
      past.push(last);
      now = make(last);
    }
  };
  if (kind === "websocket") comeBack().catch(() => {});
  const all = () => [...past, now];
  const client: Client = {
    get now() {
      return now;
    },
    wasWarned: () => all().some(({ controls }) => controls.some(({ type }) => type === "reconnect")),
    losses: () => all().reduce((sum, { ends }) => sum + ends.length, 0),
    close() {
      isClosed = true;
      now.close();
    },
  };
  clients.add(client);
  return client;
}

/** Of each kind, the streams more than once, so that some are at either hub; all of them synced. */
async function connectAll(fleet: Fleet): Promise<readonly Client[]> {
  const all = [
    connect("websocket", fleet),
    connect("socketio", fleet),
    connect("socketio", fleet, true),
    ...Array.from({ length: 4 }, () => connect("sse", fleet)),
  ];
  await Promise.all(all.map(({ now }) => now.until(({ syncs }) => syncs > 0, "synced", 10_000)));
  return all;
}

async function untilAllShow(bytes: number, all: readonly Client[], deadlineMs: number): Promise<void> {
  const has = ({ now }: Client) => now.messages.some(({ bytesTransferred }) => bytesTransferred === bytes);
  await until(
    () => all.every(has),
    `everybody was shown ${bytes} bytes`,
    deadlineMs,
    () => JSON.stringify(all.filter((one) => !has(one)).map(({ now: { kind, ends } }) => ({ kind, ends }))),
  );
}

/** The hub that has those to which nginx is sticky, and the other. */
async function stickyHubOf(fleet: Fleet): Promise<readonly [Cluster, Cluster]> {
  const [first, second] = fleet.hubs;
  const [atFirst = 0] = await fleet.connections("websocket");
  return atFirst > 0 ? [first, second] : [second, first];
}

async function countOf(fleet: Fleet): Promise<number> {
  const counts = await Promise.all(["websocket", "socketio", "sse"].map((one) => fleet.connections(one)));
  return counts.flat().reduce((sum, count) => sum + count, 0);
}

describeWithFleet("one of two hubs behind the nginx of docs/several-hubs.md", () => {
  it("SIGTERM: its clients are told, come back to the other, and go on", async () => {
    const fleet = await startFleet();
    const all = await connectAll(fleet);
    await fleet.post(event.progressed(100));
    await untilAllShow(100, all, 10_000);
    const [leaving] = await stickyHubOf(fleet);

    expect(await leaving.stop()).toBe(0);
    await until(async () => (await countOf(fleet)) === all.length, "all are at the other", BACK_MS);
    await fleet.post(event.progressed(200), event.completed());
    await untilAllShow(1_000, all, 5_000);

    const lost = all.filter((one) => one.losses() > 0);
    expect(lost.filter((one) => !one.wasWarned()).map(({ now }) => now.kind)).toEqual([]);
    // The sticky ones were all there, and of the streams, which take turns, some stayed.
    expect(lost.map(({ now }) => now.kind)).toEqual(
      expect.arrayContaining(["websocket", "socketio", "socketio"]),
    );
    expect(lost.length).toBeLessThan(all.length);
    // Ids of the one hub are the other's too.
    const modes = lost.map(({ now }) => now.controls.findLast(({ type }) => type === "synced")?.mode);
    expect(modes).toEqual(lost.map(() => "resumed"));
    for (const { now } of all) {
      const ids = now.messages.map(({ id }) => id);
      expect(ids).toEqual([...new Set(ids)]);
    }
    expect(all.map(({ now }) => now.view())).toEqual(all.map(() => all[0]?.now.view()));
  });

  it("kill -9: who comes then never meets the dead one, and who was there comes back", async () => {
    const fleet = await startFleet();
    const all = await connectAll(fleet);
    const [dying] = await stickyHubOf(fleet);
    for (const { pid } of dying.processes()) process.kill(pid, "SIGKILL");
    await dying.ended(10_000);

    const late = await connectAll(fleet);
    expect(late.flatMap(({ now }) => now.ends)).toEqual([]);
    const polled = await fetch(`${fleet.nginx.url}/api/v1/upload-progress`, {
      headers: { accept: "application/json", authorization: `Bearer ${tokenFor(USER)}` },
    });
    expect(polled.status).toBe(200);
    await until(async () => (await countOf(fleet)) === all.length + late.length, "all are back", BACK_MS);
    await fleet.post(event.progressed(100));
    await untilAllShow(100, [...all, ...late], 5_000);
  });
});
