import { describe, expect, it } from "vitest";
import { errorCatalogue } from "../../src/errors.ts";
import { noted } from "../../src/web/operations/fault-log.ts";
import { type Fault, faultsIn } from "../../src/web/operations/faults.ts";
import { readingAt } from "./web-metrics.ts";

const faultsOf = (...lines: readonly string[]) => faultsIn(readingAt(0, ...lines).metrics);

describe("what should not happen", () => {
  it("is nothing where all is well", () => {
    const well = [
      'events_total{source="tusd",type="t",result="accepted"} 9',
      'events_total{source="tusd",type="t",result="unchanged"} 9',
      'handshakes_total{transport="sse",result="ok"} 9',
      'links_made_total{gateway="gateway-1"} 1',
      'restarts_total{kind="core"} 0',
      "slow_closes_total 0",
    ];
    expect(faultsOf(...well)).toEqual([]);
  });

  it("events by code and type, of all sources; clients by code, of all transports", () => {
    const faults = faultsOf(
      'events_total{source="tusd",type="t",result="owner_unknown"} 2',
      'events_total{source="cloudevents",type="t",result="owner_unknown"} 3',
      'handshakes_total{transport="sse",result="token_expired"} 1',
      'handshakes_total{transport="polling",result="token_expired"} 1',
    );
    expect(faults.map(({ what, which, total }) => [what, which, total])).toEqual([
      ["Event rejected", "owner_unknown · t", 5],
      ["Client refused", "token_expired", 2],
    ]);
    expect(faults[0]?.hint).toBe(errorCatalogue.owner_unknown.hint);
  });

  it("a gateway's first link is no broken one", () => {
    expect(faultsOf('links_made_total{gateway="gateway-1"} 3')).toMatchObject([
      { what: "Link to the core broken", which: "gateway-1", total: 2 },
    ]);
  });

  it("has something to do for every code, and for one that no catalogue has", () => {
    for (const code of [...Object.keys(errorCatalogue), "of_a_later_version", "toString"]) {
      const [fault] = faultsOf(`handshakes_total{transport="sse",result="${code}"} 1`);
      expect(fault?.hint).toMatch(/\w.*\.$/);
    }
  });
});

describe("recent errors", () => {
  const fault = (key: string, total: number): Fault => ({ key, what: key, which: "", hint: "h", total });

  it("those from before the page was open are there, with their number, most often first", () => {
    const rows = noted(null, [fault("a", 3), fault("b", 7)], 1);
    expect(
      rows.map(({ key, sinceStart, sinceOpened, lastMs }) => [key, sinceStart, sinceOpened, lastMs]),
    ).toEqual([
      ["b", 7, 0, null],
      ["a", 3, 0, null],
    ]);
  });

  it("newest first, with the time at which they were last seen to happen", () => {
    const opened = noted(null, [fault("a", 3), fault("b", 7)], 1);
    const later = noted(noted(opened, [fault("a", 4), fault("b", 7)], 2), [fault("a", 4), fault("b", 9)], 3);
    const last = noted(later, [fault("a", 4), fault("b", 9), fault("c", 1)], 4);
    expect(
      last.map(({ key, sinceStart, sinceOpened, lastMs }) => [key, sinceStart, sinceOpened, lastMs]),
    ).toEqual([
      ["c", 1, 1, 4],
      ["b", 9, 2, 3],
      ["a", 4, 1, 2],
    ]);
  });

  it("a count that begins anew is added to what was seen; one that is gone stays", () => {
    const opened = noted(null, [fault("a", 5)], 1);
    expect(noted(opened, [fault("a", 2)], 2)).toMatchObject([{ sinceStart: 7, sinceOpened: 2, lastMs: 2 }]);
    expect(noted(opened, [], 2)).toMatchObject([{ sinceStart: 5, sinceOpened: 0, lastMs: null }]);
  });

  it("does not grow without end", () => {
    const many = Array.from({ length: 500 }, (_, index) => fault(String(index), index + 1));
    expect(noted(noted(null, [], 0), many, 1).length).toBe(100);
  });
});
