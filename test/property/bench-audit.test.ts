import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import {
  Audit,
  type AuditCounts,
  type AuditRules,
  NO_FINDINGS,
  type Received,
  type Sample,
} from "../../bench/load/audit.ts";
import { LoadClient } from "../../bench/load/client.ts";
import type { WireHandler } from "../../bench/load/wire.ts";
import {
  dueInRoundUs,
  jobIdOf,
  photoIdOf,
  placesOf,
  type Steady,
  TOTAL_BYTES,
} from "../../bench/schedule/steady.ts";

const HUB: AuditRules = { photoIntervalMs: 50, jobIntervalMs: 80, isDense: true };
const PLAIN: AuditRules = { ...HUB, isDense: false };
const FIRST_ID = 1_790_000_000_000_000;

/** What a hub says, without the id, and the sample that is to come of it. */
interface Said {
  readonly message: Omit<Received, "id">;
  readonly atUs: number;
  readonly due: number | null;
}

interface Case {
  readonly steady: Steady;
  readonly user: number;
  readonly said: readonly Said[];
}

const aCase: fc.Arbitrary<Case> = fc
  .record({
    users: fc.integer({ min: 1, max: 20 }),
    photosPerUser: fc.integer({ min: 1, max: 3 }),
    moreRounds: fc.integer({ min: 1, max: 8 }),
    eventsPerSecond: fc.integer({ min: 1, max: 50 }),
    startUs: fc.integer({ min: 1, max: 10 ** 9 }),
    user: fc.nat(19),
    // Which of the job's sums were held back until the next.
    held: fc.array(fc.boolean(), { maxLength: 10 }),
  })
  .map(({ moreRounds, user, held, ...more }) => {
    const rounds = more.photosPerUser + moreRounds;
    const steady: Steady = { ...{ run: "run", name: "load1", rounds }, ...more };
    const one = user % more.users;
    return { steady, user: one, said: saidTo(steady, one, held) };
  });

/** To the user, as the contract of messages has it. */
function saidTo(steady: Steady, user: number, held: readonly boolean[]): Said[] {
  const { photosPerUser, rounds } = steady;
  const place = placesOf(steady)[user] ?? Number.NaN;
  const jobId = jobIdOf(steady.run, user, steady.name);
  const bytes = new Map<number, number>();
  const said: Said[] = [];
  const say = (atUs: number, due: number | null, message: Omit<Received, "id" | "jobId">): void => {
    said.push({ message: { jobId, ...message }, atUs: atUs + 2_000, due });
  };
  const sum = () => [...bytes.values()].reduce((total, one) => total + one, 0);
  for (let round = 0; round < rounds; round += 1) {
    const due = dueInRoundUs(steady, place, round);
    const photoId = photoIdOf(round % photosPerUser);
    if (round < photosPerUser) say(due, null, { type: "upload_started", photoId, bytesTransferred: due });
    bytes.set(round % photosPerUser, due);
    say(due, due, { type: "upload_progress", photoId, bytesTransferred: due });
    if (held[round] !== true) say(due, due, { type: "job_progress", bytesTransferred: sum() });
  }
  for (let photo = 0; photo < photosPerUser; photo += 1) {
    const due = dueInRoundUs(steady, place, rounds + photo);
    bytes.set(photo, TOTAL_BYTES);
    say(due, due, {
      type: "upload_completed",
      photoId: photoIdOf(photo),
      bytesTransferred: TOTAL_BYTES,
    });
    say(due, null, { type: "job_progress", bytesTransferred: sum() });
  }
  say(dueInRoundUs(steady, place, rounds + photosPerUser), null, {
    type: "job_completed",
    bytesTransferred: sum(),
  });
  return said;
}

type Numbered = Said & { readonly message: Received };

function numbered(said: readonly Said[]): Numbered[] {
  return said.map((one, index) => ({
    ...one,
    message: { ...one.message, id: `m1f0-${FIRST_ID + index + 1}` },
  }));
}

function auditOf({ steady, user }: Case, rules = HUB, fromUs = 0): Audit {
  const audit = new Audit(steady, user, placesOf(steady)[user] ?? Number.NaN, rules, fromUs);
  audit.connected(`m1f0-${FIRST_ID}`);
  return audit;
}

interface Story {
  readonly counts: AuditCounts;
  readonly samples: readonly (Sample | null)[];
  readonly isFinished: boolean;
}

function told(audit: Audit, messages: readonly Numbered[], isEachShown = true): Story {
  const samples = messages.map(({ message, atUs }) => audit.take(message, atUs));
  audit.finish(isEachShown);
  return { counts: audit.counts, samples, isFinished: audit.isFinished };
}

function findings(of: Case, messages: readonly Numbered[], rules = HUB): AuditCounts {
  return told(auditOf(of, rules), messages).counts;
}

/** A place among the messages, and the message there. */
function pick(messages: readonly Numbered[], share: number, among: RegExp = /./): number {
  const places = messages.flatMap(({ message }, index) => (among.test(message.type) ? [index] : []));
  const place = places[Math.min(places.length - 1, Math.floor(share * places.length))];
  if (place === undefined) throw new Error(`no message ${among}`);
  return place;
}

const share = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const only = (found: Partial<AuditCounts>) => ({ ...NO_FINDINGS, ...found });

describe("a clean story", () => {
  it.each([
    ["hub's", HUB],
    ["plain server's", PLAIN],
  ])("of a %s has no findings, and each event its due time", (_name, rules) => {
    fc.assert(
      fc.property(aCase, (of) => {
        const { counts, samples, isFinished } = told(auditOf(of, rules), numbered(of.said));
        expect({ counts, isFinished }).toEqual({ counts: NO_FINDINGS, isFinished: true });
        expect(samples.map((sample) => sample?.dueUs ?? null)).toEqual(of.said.map(({ due }) => due));
        const endings = of.said.map(({ message }) => message.type === "upload_completed");
        expect(samples.map((sample) => sample?.kind === "ending")).toEqual(endings);
      }),
    );
  });

  it("of which nothing came is all lost", () => {
    fc.assert(
      fc.property(aCase, (of) => {
        const { photosPerUser, rounds } = of.steady;
        expect(findings(of, [])).toEqual(only({ lost: photosPerUser + 1, merged: rounds }));
        expect(findings(of, [], PLAIN)).toEqual(only({ lost: photosPerUser + 1 + rounds }));
      }),
    );
  });

  test("tells what was shown at once from what was held back", () => {
    const steady: Steady = {
      ...{ run: "run", name: "load1", users: 1, photosPerUser: 1, rounds: 3 },
      ...{ eventsPerSecond: 50, startUs: 1_000_000 },
    };
    const said = saidTo(steady, 0, []);
    // The photo's first comes right behind its start, which was shown as it is. The second is due 20 ms after the first was, within the photo's 50 ms and the job's 80; the third is shown so late
    // that 50 ms of the photo are over, and 80 of the job are not.
    const atUs = new Map([
      [dueInRoundUs(steady, 0, 0), dueInRoundUs(steady, 0, 0)],
      [dueInRoundUs(steady, 0, 1), dueInRoundUs(steady, 0, 0) + 55_000],
      [dueInRoundUs(steady, 0, 2), dueInRoundUs(steady, 0, 2)],
    ]);
    const moved = numbered(said).map((one) => ({ ...one, atUs: atUs.get(one.due ?? 0) ?? one.atUs }));
    const { samples } = told(auditOf({ steady, user: 0, said }), moved);
    const kinds = samples.flatMap((sample) => (sample === null ? [] : [sample.kind]));
    expect(kinds).toEqual(["trailing", "leading", "trailing", "trailing", "trailing", "trailing", "ending"]);
  });
});

describe("one thing that must not be is one finding, and no other", () => {
  it("a message is dropped", () => {
    fc.assert(
      fc.property(aCase, share, (of, at) => {
        const messages = numbered(of.said);
        expect(findings(of, messages.toSpliced(pick(messages, at), 1))).toEqual(only({ lost: 1 }));
      }),
    );
  });

  it("several are dropped, endings among them, as long as the last is there", () => {
    fc.assert(
      fc.property(aCase, fc.array(fc.boolean(), { maxLength: 60 }), (of, drops) => {
        const messages = numbered(of.said);
        const kept = messages.filter((_, index) => index === messages.length - 1 || drops[index] !== true);
        // Nobody has to wait for what can't come any more.
        expect(told(auditOf(of), kept)).toMatchObject({
          counts: only({ lost: messages.length - kept.length }),
          isFinished: true,
        });
      }),
    );
  });

  it("a message is there twice, at once or later", () => {
    fc.assert(
      fc.property(aCase, share, share, (of, at, later) => {
        const messages = numbered(of.said);
        const place = pick(messages, at);
        const to = place + 1 + Math.floor(later * (messages.length - place));
        const again = messages.slice(place, place + 1);
        expect(findings(of, messages.toSpliced(to, 0, ...again))).toEqual(only({ duplicate: 1 }));
      }),
    );
  });

  it("a message overtakes the one before it, or several", () => {
    fc.assert(
      fc.property(aCase, share, fc.integer({ min: 1, max: 4 }), (of, at, by) => {
        const messages = numbered(of.said);
        const from = Math.min(messages.length - 2, pick(messages, at));
        const late = messages.slice(from, from + 1);
        const swapped = messages.toSpliced(from, 1).toSpliced(from + by, 0, ...late);
        expect(told(auditOf(of), swapped)).toMatchObject({
          counts: only({ disordered: 1 }),
          isFinished: true,
        });
      }),
    );
  });

  it("a message tells of a photo that nobody sent, or of bytes that nobody sent", () => {
    fc.assert(
      fc.property(aCase, share, fc.boolean(), (of, at, isPhoto) => {
        const place = pick(numbered(of.said), at, /^upload_progress/);
        const shown = of.said[place];
        if (shown === undefined) throw new Error("no message");
        const { bytesTransferred = 0, photoId = "" } = shown.message;
        const message = isPhoto
          ? { ...shown.message, photoId: `photo-${of.steady.photosPerUser}` }
          : { ...shown.message, photoId, bytesTransferred: bytesTransferred + 1 };
        const said = of.said.toSpliced(place + 1, 0, { ...shown, message });
        expect(findings(of, numbered(said))).toEqual(only({ foreign: 1 }));
      }),
    );
  });

  it("a photo is taken back, by a message of its own number", () => {
    fc.assert(
      fc.property(aCase, share, (of, at) => {
        const places = of.said.flatMap(({ message }, index) =>
          message.type === "upload_progress" && message.photoId === "photo-0" ? [index] : [],
        );
        const from = Math.min(places.length - 2, Math.floor(at * places.length));
        const [first, second] = [of.said[places[from] ?? 0], places[from + 1] ?? 0];
        if (first === undefined) throw new Error("no message");
        const said = of.said.toSpliced(second + 1, 0, first);
        expect(findings(of, numbered(said))).toEqual(only({ disordered: 1 }));
        const twice = of.said.toSpliced((places[from] ?? 0) + 1, 0, first);
        expect(findings(of, numbered(twice))).toEqual(only({ duplicate: 1 }));
      }),
    );
  });

  it("an event is merged with another, which only counts where each is far enough from the next", () => {
    fc.assert(
      fc.property(aCase, share, (of, at) => {
        const place = pick(numbered(of.said), at, /^upload_progress/);
        const messages = numbered(of.said.toSpliced(place, 1));
        expect(findings(of, messages)).toEqual(only({ merged: 1 }));
        expect(told(auditOf(of), messages, false).counts).toEqual(NO_FINDINGS);
        expect(findings(of, messages, PLAIN)).toEqual(only({ lost: 1 }));
        // In the warm-up it may be, and is lost all the same where nothing may be merged.
        const due = of.said[place]?.due ?? Number.NaN;
        expect(told(auditOf(of, HUB, due), messages).counts).toEqual(only({ merged: 1 }));
        expect(told(auditOf(of, HUB, due + 1), messages).counts).toEqual(NO_FINDINGS);
        expect(told(auditOf(of, PLAIN, due + 1), messages).counts).toEqual(only({ lost: 1 }));
      }),
    );
  });

  it("an ending is never said, the numbers being without a gap", () => {
    fc.assert(
      fc.property(aCase, share, (of, at) => {
        const place = pick(numbered(of.said), at, /_completed$/);
        const story = told(auditOf(of), numbered(of.said.toSpliced(place, 1)));
        expect(story).toMatchObject({ counts: only({ lost: 1 }), isFinished: false });
      }),
    );
  });

  it("everything after a moment is lost", () => {
    fc.assert(
      fc.property(aCase, share, (of, at) => {
        const messages = numbered(of.said);
        const kept = messages.slice(0, pick(messages, at));
        const { lost, ...others } = findings(of, kept);
        expect(lost).toBeGreaterThan(0);
        expect(others).toMatchObject({ foreign: 0, disordered: 0, duplicate: 0 });
      }),
    );
  });
});

describe("who was away", () => {
  /** Cut after so many messages, and come back to what `between` makes of those that were missed. */
  function away(of: Case, at: number, between: (missed: readonly Numbered[]) => readonly Numbered[]): Story {
    const messages = numbered(of.said);
    const [from, to] = [pick(messages, at), pick(messages, at + (1 - at) / 2)];
    const audit = auditOf(of);
    for (const { message, atUs } of messages.slice(0, from)) audit.take(message, atUs);
    audit.disconnected();
    const missed = messages.slice(from, to);
    const samples = between(missed).map(({ message, atUs }) => audit.take(message, atUs));
    expect(samples.filter((sample) => sample !== null)).toEqual([]);
    const id = messages[to - 1]?.message.id ?? `m1f0-${FIRST_ID}`;
    audit.take({ type: "synced", id }, 0);
    return told(audit, messages.slice(to));
  }
  /** Of each photo and of the job, the last. */
  const newest = (messages: readonly Numbered[]) => [
    ...new Map(messages.map((one) => [one.message.photoId, one])).values(),
  ];

  it("and is resumed with what was missed, or with its newest states, has lost nothing", () => {
    fc.assert(
      fc.property(aCase, share, fc.boolean(), (of, at, isAll) => {
        const story = away(of, at, (missed) => (isAll ? missed : newest(missed)));
        expect(story).toMatchObject({ counts: NO_FINDINGS, isFinished: true });
      }),
    );
  });

  it("and is given a snapshot, which tells what was told before, has lost nothing", () => {
    fc.assert(
      fc.property(aCase, share, (of, at) => {
        const messages = numbered(of.said);
        const story = away(of, at, (missed) => {
          return newest(messages.filter((one) => !missed.includes(one) && one.atUs < (missed[0]?.atUs ?? 0)))
            .concat(newest(missed))
            .sort((left, right) => left.atUs - right.atUs);
        });
        expect(story).toMatchObject({ counts: NO_FINDINGS, isFinished: true });
      }),
    );
  });

  it("and misses an ending all the same has lost it", () => {
    fc.assert(
      fc.property(aCase, share, (of, at) => {
        let missing = 0;
        const { counts } = away(of, at, (missed) => {
          const kept = newest(missed).filter(({ message }) => message.type !== "upload_completed");
          missing = missed.filter(({ message }) => message.type === "upload_completed").length;
          return kept;
        });
        expect(counts).toEqual(only({ lost: missing }));
      }),
    );
  });

  it("is told what is dropped, doubled or swapped once it is back", () => {
    fc.assert(
      fc.property(aCase, (of) => {
        const back = (change: (rest: Numbered[]) => Numbered[]) => {
          const audit = auditOf(of);
          const [first, ...rest] = numbered(of.said);
          audit.disconnected();
          if (first !== undefined) audit.take(first.message, first.atUs);
          audit.take({ type: "synced", id: first?.message.id ?? "" }, 0);
          return told(audit, change(rest)).counts;
        };
        expect(back((rest) => rest.slice(1))).toEqual(only({ lost: 1 }));
        expect(back(([one, ...rest]) => (one === undefined ? [] : [one, one, ...rest]))).toEqual(
          only({ duplicate: 1 }),
        );
        expect(
          back(([one, two, ...rest]) => (one === undefined || two === undefined ? [] : [two, one, ...rest])),
        ).toEqual(only({ disordered: 1 }));
      }),
    );
  });
});

describe("a client", () => {
  function clientOf({ steady, user }: Case): {
    readonly client: LoadClient;
    readonly say: (message: Received) => void;
    readonly cameBackWith: (string | null)[];
    readonly wire: { handler: WireHandler | null };
  } {
    const wire: { handler: WireHandler | null } = { handler: null };
    const cameBackWith: (string | null)[] = [];
    const open = ({ lastEventId }: { readonly lastEventId: string | null }, handler: WireHandler) => {
      wire.handler = handler;
      cameBackWith.push(lastEventId);
      return { destroy: () => undefined, reset: () => undefined, pace: () => undefined };
    };
    const silent = () => undefined;
    const client = new LoadClient(
      { user, transport: "sse" },
      {
        run: steady.run,
        ways: { socketio: open, websocket: open, sse: open },
        events: { established: silent, failed: silent, closed: silent, sample: silent },
        nowUs: () => 0,
      },
    );
    return { client, cameBackWith, wire, say: (message) => wire.handler?.message(message) };
  }
  const destination = { host: "", port: 1, isTls: false, basePath: "", authority: "" };
  const opening = { destination, isSlow: false, token: "" };

  it("finds another user's message, and does not take its id for its own", () => {
    fc.assert(
      fc.property(aCase, share, fc.nat(50), (of, at, other) => {
        fc.pre(other !== of.user);
        const { client, say, cameBackWith, wire } = clientOf(of);
        const messages = numbered(of.said);
        client.open(opening);
        say({ type: "synced", id: `m1f0-${FIRST_ID}` });
        const audit = auditOf(of);
        client.expect(audit);
        const place = pick(messages, at);
        messages.forEach(({ message }, index) => {
          say(message);
          if (index !== place) return;
          say({ ...message, jobId: jobIdOf("run", other, "load1"), id: `m1f0-${FIRST_ID * 2}` });
        });
        expect(client.findings(true)).toEqual(only({ foreign: 1 }));
        wire.handler?.closed(null);
        client.open(opening);
        expect(cameBackWith).toEqual([null, messages.at(-1)?.message.id]);
      }),
    );
  });

  it("that has no part in a load should hear nothing of it", () => {
    const [of] = fc.sample(aCase, 1);
    if (of === undefined) throw new Error("no case");
    const { client, say } = clientOf(of);
    client.open(opening);
    say({ type: "synced", id: "m1f0-1" });
    client.expect(null);
    expect(client.findings(true)).toEqual(NO_FINDINGS);
    say({ type: "upload_progress", id: "m1f0-2", jobId: jobIdOf("run", of.user + 1, "load1") });
    expect(client.findings(true)).toEqual(only({ foreign: 1 }));
  });
});
