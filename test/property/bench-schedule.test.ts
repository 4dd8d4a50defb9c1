import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { byTransport, clientAt, type Population, sliceOf, userCount } from "../../bench/load/population.ts";
import {
  dueInRoundUs,
  dueUs,
  eventAt,
  eventCount,
  jobIdOf,
  jobPrefixOf,
  marksUs,
  photoIdOf,
  photoNumber,
  placesOf,
  progressFrom,
  progressTo,
  roundDueAt,
  type Steady,
} from "../../bench/schedule/steady.ts";
import { TRANSPORTS } from "../../bench/transports.ts";

const steady: fc.Arbitrary<Steady> = fc
  .record({
    // 7,919 is the stride in which users follow each other.
    users: fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: 1, max: 200 }) },
      { weight: 1, arbitrary: fc.constantFrom(7_918, 7_919, 15_838) },
    ),
    photosPerUser: fc.integer({ min: 1, max: 4 }),
    moreRounds: fc.integer({ min: 0, max: 6 }),
    eventsPerSecond: fc.oneof(fc.integer({ min: 1, max: 20_000 }), fc.constantFrom(3, 7, 999)),
    startUs: fc.integer({ min: 1, max: 10 ** 9 }),
  })
  .map(({ moreRounds, photosPerUser, ...more }) => ({
    ...{ run: "run", name: "load1", photosPerUser, rounds: photosPerUser + moreRounds },
    ...more,
  }));

/** Those that take turns with another's load, too. */
const turning: fc.Arbitrary<Steady> = fc
  .tuple(steady, fc.option(fc.record({ events: fc.integer({ min: 1, max: 300 }), pauseUs: fc.nat(10 ** 7) })))
  .map(([load, turns]) => {
    if (turns === null) return load;
    const { events, pauseUs } = turns;
    return { ...load, slots: { events, everyUs: slotUsOf(load, events) + pauseUs } };
  });
/** Whole microseconds, so that the next slot does not begin in it. */
const slotUsOf = ({ eventsPerSecond }: Steady, events: number) =>
  Math.ceil((events * 1_000_000) / eventsPerSecond);

const indexes = (from: number, to: number) => Array.from({ length: to - from }, (_, offset) => from + offset);

describe("a steady load", () => {
  it("gives every user a turn in each round, always at the same place", () => {
    fc.assert(
      fc.property(steady, (load) => {
        const places = placesOf(load);
        const rounds = eventCount(load) / load.users;
        expect(rounds).toBe(load.rounds + load.photosPerUser + 2);
        for (let round = 0; round < rounds; round += 1) {
          const users = indexes(round * load.users, (round + 1) * load.users).map((index) => {
            return eventAt(load, index).user;
          });
          expect(users.map((user) => places[user])).toEqual(indexes(0, load.users));
        }
      }),
      { numRuns: 60 },
    );
  });

  it("says of each user's photos when they move and complete, as the emitter does", () => {
    fc.assert(
      fc.property(turning, (load) => {
        const places = placesOf(load);
        const moves = new Map<number, number>();
        // One assertion of all: one of each event takes a hundred times as long as what it looks at.
        const wrong: object[] = [];
        for (const index of indexes(progressFrom(load), eventCount(load) - load.users)) {
          const event = eventAt(load, index);
          if (event.kind !== "progressed" && event.kind !== "completed") continue;
          const round = moves.get(event.user) ?? 0;
          moves.set(event.user, round + 1);
          const place = places[event.user] ?? Number.NaN;
          const dueAtUs = dueInRoundUs(load, place, round);
          const photo = round < load.rounds ? round % load.photosPerUser : round - load.rounds;
          const found = roundDueAt(load, place, dueUs(load, index));
          const isRight =
            dueAtUs === dueUs(load, index) &&
            event.photo === photo &&
            found === (event.kind === "progressed" ? round : null);
          if (!isRight) wrong.push({ index, event, dueAtUs, photo, found });
        }
        expect(wrong).toEqual([]);
        const rounds = load.rounds + load.photosPerUser;
        expect([...moves.values()]).toEqual(Array.from({ length: load.users }, () => rounds));
      }),
      { numRuns: 60 },
    );
  });

  it("announces, moves, completes and closes in this order, each as often as it should be", () => {
    fc.assert(
      fc.property(steady, (load) => {
        const kinds = indexes(0, eventCount(load)).map((index) => eventAt(load, index).kind);
        const [from, to] = [progressFrom(load), progressTo(load)];
        const completed = load.users * load.photosPerUser;
        const expected = [
          ...Array.from({ length: from }, () => "created"),
          ...Array.from({ length: to - from }, () => "progressed"),
          ...Array.from({ length: completed }, () => "completed"),
          ...Array.from({ length: load.users }, () => "closed"),
        ];
        expect(from).toBe(load.users);
        expect(to - from).toBe(load.users * load.rounds);
        expect(kinds).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it("is due at its rate from its start, in whole microseconds that rise", () => {
    fc.assert(
      fc.property(steady, fc.nat(10_000), (load, index) => {
        const due = dueUs(load, index);
        expect(dueUs(load, 0)).toBe(load.startUs);
        expect(Number.isInteger(due)).toBe(true);
        expect(Math.abs(due - load.startUs - (index * 1_000_000) / load.eventsPerSecond)).toBeLessThan(1);
        // Progress is told by the due time: two of one photo must never be the same.
        expect(dueUs(load, index + 1)).toBeGreaterThan(due);
      }),
    );
  });

  it("that takes turns is due at its rate in its slots, and not between them", () => {
    fc.assert(
      fc.property(turning, fc.nat(10_000), (load, index) => {
        const { startUs, slots } = load;
        if (slots === undefined) return;
        const slot = Math.floor(index / slots.events);
        const inSlotUs = dueUs(load, index) - startUs - slot * slots.everyUs;
        expect(inSlotUs).toBeGreaterThanOrEqual(0);
        expect(inSlotUs).toBeLessThan(slotUsOf(load, slots.events));
        expect(dueUs(load, index + 1)).toBeGreaterThan(dueUs(load, index));
      }),
    );
  });

  it("is measured from the first slot after its warm-up on, to the end of the last one's pause", () => {
    fc.assert(
      fc.property(turning, fc.nat(5_000), fc.nat(5_000), fc.nat(300), (load, warmUpMs, measureMs, gapMs) => {
        const { startUs, slots, eventsPerSecond, users } = load;
        if (slots === undefined) return;
        const marks = marksUs(load, slots, { warmUpMs, measureMs, gapMs });
        const wanted = Math.floor((measureMs * eventsPerSecond) / 1_000 / slots.events);
        expect(marks.length).toBe(2 * Math.max(1, wanted) + 1);
        for (const [at, endUs] of marks.entries()) {
          if (at % 2 === 0) continue;
          // All that is due in the slot is due before, and had the gap to arrive.
          const slotUs = endUs - (marks[at - 1] ?? 0) - gapMs * 1_000;
          // Not rounded, hence not by `slotUsOf`: 1,001.0005 has to be told from 1,001, and from 1,002.
          expect(Math.abs(slotUs - (slots.events * 1_000_000) / eventsPerSecond)).toBeLessThan(1e-4);
        }
        const begins = marks.filter((_, at) => at % 2 === 0);
        for (const [at, beginUs] of begins.entries()) {
          expect((beginUs - startUs) % slots.everyUs).toBe(0);
          if (at > 0) expect(beginUs - (begins[at - 1] ?? 0)).toBe(slots.everyUs);
        }
        const before = ((begins[0] ?? 0) - startUs) / slots.everyUs;
        expect(before * slots.events).toBeGreaterThanOrEqual(
          users + (warmUpMs * eventsPerSecond) / 1_000 - 1e-6,
        );
      }),
    );
  });

  it("names jobs so that each is one user's, and photos so that they are read back", () => {
    fc.assert(
      fc.property(fc.nat(20_000), fc.nat(20_000), fc.nat(500), (user, other, photo) => {
        expect(jobIdOf("run", user, "load1").startsWith(jobPrefixOf("run", other))).toBe(user === other);
        expect(photoNumber(photoIdOf(photo))).toBe(photo);
      }),
    );
    expect(photoNumber("another")).toBeNaN();
  });
});

describe("a population", () => {
  const population: fc.Arbitrary<Population> = fc
    .record({
      connections: fc.integer({ min: 1, max: 400 }),
      many: fc.integer({ min: 0, max: 20 }),
      devices: fc.integer({ min: 1, max: 5 }),
      mix: fc.shuffledSubarray([...TRANSPORTS], { minLength: 1 }),
    })
    .map(({ many, ...more }) => ({
      ...{ run: "run", usersWithDevices: Math.min(many, Math.floor(more.connections / more.devices)) },
      ...more,
    }));

  it("has users 0 and on, the first of them with so many devices, the others with one", () => {
    fc.assert(
      fc.property(population, (all) => {
        const devices = new Map<number, number>();
        for (const client of indexes(0, all.connections)) {
          const { user } = clientAt(all, client);
          devices.set(user, (devices.get(user) ?? 0) + 1);
        }
        expect([...devices.keys()]).toEqual(indexes(0, userCount(all)));
        for (const [user, count] of devices) {
          expect(count).toBe(user < all.usersWithDevices ? all.devices : 1);
        }
      }),
    );
  });

  it("takes transports in turn, and somebody's devices of all kinds", () => {
    fc.assert(
      fc.property(population, (all) => {
        const many = all.usersWithDevices * all.devices;
        const transports = indexes(0, all.connections).map((client) => clientAt(all, client).transport);
        for (const user of indexes(0, all.usersWithDevices)) {
          const own = transports.slice(user * all.devices, (user + 1) * all.devices);
          expect(new Set(own).size).toBe(Math.min(all.devices, new Set(all.mix).size));
        }
        const others = transports.slice(many);
        for (const transport of TRANSPORTS) {
          const share = others.filter((one) => one === transport).length;
          const parts = all.mix.filter((one) => one === transport).length / all.mix.length;
          expect(Math.abs(share - others.length * parts)).toBeLessThan(TRANSPORTS.length);
        }
        const counts = byTransport(all);
        for (const transport of TRANSPORTS) {
          expect(counts[transport]).toBe(transports.filter((one) => one === transport).length);
        }
      }),
    );
  });

  it("is shared among generators without a client left out or twice", () => {
    fc.assert(
      fc.property(population, fc.integer({ min: 1, max: 9 }), (all, generators) => {
        const slices = indexes(0, generators).map((index) => sliceOf(all, index, generators));
        expect(slices.flatMap(({ from, to }) => indexes(from, to))).toEqual(indexes(0, all.connections));
        const sizes = slices.map(({ from, to }) => to - from);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test("of the usual mix is half Socket.IO, a quarter of each other", () => {
    const mix = ["socketio", "websocket", "socketio", "sse"] as const;
    const all = { run: "run", connections: 1_000, usersWithDevices: 0, devices: 3, mix };
    expect(byTransport(all)).toEqual({ socketio: 500, websocket: 250, sse: 250 });
  });
});
