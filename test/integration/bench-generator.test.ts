import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { decodeFromCompressedBase64 } from "hdr-histogram-js";
import { afterEach, expect, it, vi } from "vitest";
import { Generator } from "../../bench/load/generator.ts";
import type { FromGenerator, GeneratorCounts } from "../../bench/load/messages.ts";

const SYNCED = `event: synced\ndata: {"type":"synced"}\n\n`;

let server: Server | null = null;
let generator: Generator | null = null;

afterEach(() => {
  vi.restoreAllMocks();
  generator?.take({ type: "close" });
  server?.closeAllConnections();
  server?.close();
});

it("comes back until it is let in, as any client does, where a server is away for a moment", async () => {
  const { reports } = await begun(["cut", "refuse", "refuse", "keep"]);
  generator?.take({ type: "connect", perSecond: 1_000 });
  await expect.poll(() => counts(reports)?.established, { timeout: 8_000 }).toBe(1);
  await expect.poll(() => counts(reports)?.everEstablished, { timeout: 8_000 }).toBe(2);
  expect(counts(reports)?.errors).toEqual({ "sse: answered 503": 2 });
  expect(Object.values(counts(reports)?.closes ?? {})).toEqual([1]);
});

it("comes back until it is let in where it was cut on purpose, and counts the time from the first attempt on", async () => {
  // Nearly the longest wait.
  vi.spyOn(Math, "random").mockReturnValue(0.9);
  const { reports } = await begun(["keep", "refuse", "keep"]);
  generator?.take({ type: "connect", perSecond: 1_000 });
  await expect.poll(() => counts(reports)?.established).toBe(1);
  const cutMs = performance.now();
  generator?.take({ type: "cut", perSecond: 1_000 });
  await expect
    .poll(() => reports.filter(({ type }) => type === "settled").length, { timeout: 8_000 })
    .toBe(2);
  const settled = reports.findLast((report) => report.type === "settled");
  const times = decodeFromCompressedBase64(settled?.connectTimes ?? "");
  // In microseconds; the report came later than the client, by a tick at most.
  expect(performance.now() - cutMs - times.maxValue / 1_000).toBeLessThan(500);
  expect(counts(reports)).toMatchObject({ established: 1, errors: { "sse: answered 503": 1 } });
});

it("does not try twice to connect for the first time: that it failed is a finding", async () => {
  const { reports, answered } = await begun(["refuse", "keep"]);
  generator?.take({ type: "connect", perSecond: 1_000 });
  await expect.poll(() => reports.some(({ type }) => type === "settled")).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  expect(answered()).toBe(1);
  expect(counts(reports)).toMatchObject({ established: 0, errors: { "sse: answered 503": 1 } });
});

/** A generator of one SSE client, and a server that does with each connection in turn as told. */
async function begun(does: readonly ("cut" | "refuse" | "keep")[]) {
  let answered = 0;
  const answer = (response: ServerResponse): void => {
    const what = does[answered];
    answered += 1;
    if (what === "refuse") {
      response.writeHead(503).end();
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(SYNCED);
    if (what === "cut") setTimeout(() => response.destroy(), 50);
  };
  const listening = createServer((_request, response) => answer(response));
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  const { port } = listening.address() as AddressInfo;
  const reports: FromGenerator[] = [];
  generator = new Generator(
    {
      population: { run: "r", connections: 1, usersWithDevices: 0, devices: 1, mix: ["sse"] },
      ...{ isStock: false, isSlow: false, index: 0, generators: 1, epochUs: 0 },
      publicUrls: [`http://127.0.0.1:${port}`],
      jwtSecret: "a secret of thirty-two characters",
      rules: { photoIntervalMs: 100, jobIntervalMs: 200, isDense: true },
    },
    (report) => reports.push(report),
  );
  return { reports, answered: () => answered };
}

function counts(reports: readonly FromGenerator[]): GeneratorCounts | undefined {
  return reports.findLast((report) => report.type === "counts")?.counts;
}
