import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventStreamReader } from "../../bench/load/event-stream.ts";
import {
  dropped,
  duplicated,
  foreign,
  type Line,
  none,
  type Plant,
  swapped,
} from "../../bench/self-test/plant.ts";
import { divider, type Message, type Unit } from "../../bench/self-test/units.ts";

const share = fc.double({ min: 0, max: 1, noNaN: true });
const cuts = fc.array(share, { maxLength: 30 });

function units(bytes: Buffer, at: readonly number[]): Unit[] {
  const got: Unit[] = [];
  const take = divider((unit) => void got.push({ ...unit, bytes: Buffer.from(unit.bytes) }));
  const places = at.map((one) => Math.floor(one * bytes.length)).sort((left, right) => left - right);
  let from = 0;
  for (const to of [...places, bytes.length]) {
    const part = Buffer.from(bytes.subarray(from, to));
    take(part);
    part.fill(0);
    from = to;
  }
  return got;
}

function frame(text: string, opcode = 1): Buffer {
  const payload = Buffer.from(text);
  const head = payload.length < 126 ? Buffer.from([0x80 | opcode, payload.length]) : Buffer.alloc(4);
  if (head.length === 4) {
    head.set([0x80 | opcode, 126]);
    head.writeUInt16BE(payload.length, 2);
  }
  return Buffer.concat([head, payload]);
}

const chunk = (body: Buffer | string) => {
  const bytes = Buffer.from(body);
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
};

const jobIds = fc.stringMatching(/^[a-z]{1,4}-[0-9]{1,3}-load1$/);
const padding = fc.string({ unit: "grapheme", maxLength: 150 });
const said = fc.record({ jobId: fc.option(jobIds), padding }).map(({ jobId, padding: text }) => ({
  jobId,
  json: JSON.stringify({ type: "x", text, ...(jobId !== null && { jobId }) }),
}));
const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
const STREAM = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

describe("what a server sends is divided into whole messages", () => {
  it("frames, byte for byte, however they come", () => {
    fc.assert(
      fc.property(fc.array(said, { maxLength: 8 }), fc.boolean(), cuts, (all, isSocketIo, at) => {
        const frames = all.map(({ json }) => frame(isSocketIo ? `42["x",${json}]` : json));
        const withPings = frames.flatMap((one) => [one, frame("ping", 9)]);
        const got = units(Buffer.concat([Buffer.from(SWITCHING), ...withPings]), at);
        expect(got.map(({ bytes }) => bytes)).toEqual([Buffer.from(SWITCHING), ...withPings]);
        const wire = isSocketIo ? "socketio" : "websocket";
        const messages = all.map(({ jobId }) => (jobId === null ? null : { jobId, wire }));
        expect(
          got
            .slice(1)
            .filter((_, index) => index % 2 === 0)
            .map(({ message }) => message),
        ).toEqual(messages);
      }),
    );
  });

  it("events, in chunks of their own, however the chunks and the bytes come", () => {
    fc.assert(
      fc.property(fc.array(said, { maxLength: 8 }), cuts, cuts, (all, chunks, at) => {
        const body = Buffer.from(all.map(({ json }) => `: quiet\n\ndata: ${json}\n\n`).join(""));
        const places = [...chunks.map((one) => Math.floor(one * body.length)), body.length].sort(
          (a, b) => a - b,
        );
        const parts = places.map((to, index) => body.subarray(places[index - 1] ?? 0, to));
        const sent = parts.filter(({ length }) => length > 0).map(chunk);
        const got = units(Buffer.concat([Buffer.from(STREAM), ...sent, Buffer.from("0\r\n\r\n")]), at);
        const events: string[] = [];
        const ends: number[] = [];
        const reader = new EventStreamReader({
          event: (data) => void events.push(data),
          end: () => void ends.push(events.length),
        });
        for (const { bytes } of got.slice(1)) reader.take(bytes);
        expect({ events, ends }).toEqual({ events: all.map(({ json }) => json), ends: [all.length] });
        const told = got.flatMap(({ message }) => (message === null ? [] : [message]));
        const messages = all.flatMap(({ jobId }) => (jobId === null ? [] : [{ jobId, wire: "sse" }]));
        expect(told).toEqual(messages);
      }),
    );
  });

  it("what is neither goes through as it is", () => {
    fc.assert(
      fc.property(fc.constantFrom("200 OK", "401 Unauthorized"), padding, cuts, (status, body, at) => {
        const bytes = Buffer.from(`HTTP/1.1 ${status}\r\nContent-Type: application/json\r\n\r\n${body}`);
        const got = units(bytes, at);
        expect(Buffer.concat(got.map((unit) => unit.bytes))).toEqual(bytes);
        expect(got.every(({ message }) => message === null)).toBe(true);
      }),
    );
  });
});

describe("a fault", () => {
  interface Sent {
    readonly user: number;
    readonly number: number;
    readonly isMessage: boolean;
  }
  const sent: fc.Arbitrary<Sent[]> = fc
    .array(fc.record({ user: fc.nat(3), isMessage: fc.boolean() }), { maxLength: 60 })
    .map((all) => all.map((one, number) => ({ ...one, number })));
  const wireOf = (user: number): Message["wire"] => (user % 2 === 0 ? "sse" : "websocket");

  /** By user, the numbers that came. */
  function through(plant: Plant, all: readonly Sent[]): number[][] {
    const got: number[][] = [[], [], [], []];
    const lines = got.map((own): Line => ({ send: (bytes) => void own.push(Number(bytes.toString())) }));
    for (const { user, number, isMessage } of all) {
      const line = lines[user];
      if (line === undefined) continue;
      const message = isMessage ? { jobId: `job-${user}`, wire: wireOf(user) } : null;
      plant.pass({ bytes: Buffer.from(String(number)), message }, line);
    }
    for (const line of lines) plant.closed(line);
    return got;
  }
  const clean = (all: readonly Sent[]) =>
    [0, 1, 2, 3].map((user) => all.filter((one) => one.user === user).map(({ number }) => number));
  const messages = (all: readonly Sent[]) => all.filter(({ isMessage }) => isMessage);

  it("that is none changes nothing", () => {
    fc.assert(
      fc.property(sent, (all) => {
        expect(through(none(), all)).toEqual(clean(all));
      }),
    );
  });

  it("drops every so many-th message, and nothing else", () => {
    fc.assert(
      fc.property(sent, fc.integer({ min: 1, max: 7 }), (all, oneIn) => {
        const gone = messages(all).filter((_, index) => (index + 1) % oneIn === 0);
        expect(through(dropped(oneIn), all)).toEqual(clean(all.filter((one) => !gone.includes(one))));
      }),
    );
  });

  it("sends every so many-th message twice", () => {
    fc.assert(
      fc.property(sent, fc.integer({ min: 1, max: 7 }), (all, oneIn) => {
        const twice = messages(all).filter((_, index) => (index + 1) % oneIn === 0);
        const doubled = all.flatMap((one) => (twice.includes(one) ? [one, one] : [one]));
        expect(through(duplicated(oneIn), all)).toEqual(clean(doubled));
      }),
    );
  });

  it("lets a message be overtaken by the next of the same client, and loses none that one follows", () => {
    fc.assert(
      fc.property(sent, fc.integer({ min: 1, max: 7 }), (all, oneIn) => {
        const got = through(swapped(oneIn, 10_000), all);
        for (const [user, numbers] of clean(all).entries()) {
          const own = got[user] ?? [];
          const late = own.filter((number, index) => own.slice(0, index).some((before) => before > number));
          expect(late.length).toBeLessThanOrEqual(messages(all).length / oneIn);
          // The one that nothing followed was still waiting when the client went.
          expect(numbers.length - own.length).toBeLessThanOrEqual(1);
          expect([...own].sort((a, b) => a - b)).toEqual(numbers.filter((number) => own.includes(number)));
        }
      }),
    );
    const pair = [0, 1].map((number) => ({ user: 0, number, isMessage: true }));
    expect(through(swapped(1, 10_000), pair)[0]).toEqual([1, 0]);
  });

  it("keeps a message back no longer than it was told, where nothing follows", async () => {
    const got: string[] = [];
    const message = { jobId: "job-1", wire: "sse" as const };
    swapped(1, 5).pass(
      { bytes: Buffer.from("1"), message },
      { send: (bytes) => void got.push(String(bytes)) },
    );
    expect(got).toEqual([]);
    await expect.poll(() => got).toEqual(["1"]);
  });

  it("gives one message to another user of the same kind of client, where there is one", () => {
    fc.assert(
      fc.property(sent, (all) => {
        const own = clean(all);
        const got = through(foreign(), all);
        const strays = got.flatMap((numbers, user) => numbers.filter((one) => !own[user]?.includes(one)));
        const talking = [...new Set(messages(all).map(({ user }) => user))];
        const isPossible = [0, 1].some((kind) => talking.filter((user) => user % 2 === kind).length === 2);
        expect(strays).toHaveLength(isPossible ? 1 : 0);
        expect(got.map((numbers) => numbers.filter((one) => !strays.includes(one)))).toEqual(
          own.map((numbers) => numbers.filter((one) => !strays.includes(one))),
        );
      }),
    );
  });
});
