import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DomainEvent } from "../../src/domain/events.ts";
import { keyOf, type Watcher, type WatcherKind, watchers } from "../clients.ts";
import { event } from "../events.ts";
import { startTestHub, type TestHub } from "../hub.ts";

// What a stock client of each kind sees must be one story: the same messages, whole after any cut, and nobody else's.

const KINDS: readonly WatcherKind[] = ["socketio", "websocket", "sse", "polling"];

let hub: TestHub;

beforeAll(async () => {
  hub = await startTestHub({ maxConnectionsPerUser: 2000, progressInterval: 5, jobInterval: 10 });
});

afterAll(async () => {
  await hub.close();
});

/** A job with everything in it: order turned round, a failure, a retry, an unknown total, a cancellation. */
function story(jobId: string, userId: string): readonly (readonly DomainEvent[])[] {
  const at = (photoId: string) => ({ jobId, userId, photoId });
  const steps: DomainEvent[][] = [[event.created({ jobId, userId, photoCount: 5, title: "Trip" })]];
  for (let percent = 10; percent <= 100; percent += 10) {
    steps.push([
      event.progressed(percent * 10, at("a")),
      event.progressed(percent * 7, { ...at("b"), totalBytes: null }),
      event.progressed(percent * 3, { ...at("c"), attempt: 1 }),
    ]);
  }
  steps.push([event.failed({ ...at("c"), attempt: 1 }), event.started({ ...at("c"), attempt: 2 })]);
  steps.push([event.completed(at("a")), event.started(at("d"))], [event.cancelled(at("d"))]);
  steps.push(
    [event.progressed(900, { ...at("c"), attempt: 2 })],
    [event.completed({ ...at("c"), attempt: 2 })],
  );
  steps.push([event.completed({ ...at("b"), totalBytes: null })], [event.failed(at("e"))]);
  steps.push([event.completed(at("e"))]);
  return steps;
}

/**
 * Posts step by step, each once every witness was shown the one before; told at once, nearly all of it would be
 * conflated, and there would be nothing to cut.
 */
async function tell(
  steps: readonly (readonly DomainEvent[])[],
  witnesses: readonly Watcher[],
): Promise<void> {
  for (const step of steps) {
    const counts = witnesses.map(({ messages }) => messages.length);
    await hub.post(step);
    const named = step.flatMap((one) => [
      one.jobId,
      "photoId" in one ? `${one.jobId}/${one.photoId}` : one.jobId,
    ]);
    const shown = (witness: Watcher, from: number) => {
      const seen = new Set(witness.messages.slice(from).map(keyOf));
      return named.every((key) => seen.has(key));
    };
    await Promise.all(
      witnesses.map((one, index) => one.until((w) => shown(w, counts[index] ?? 0), `all of ${named}`)),
    );
  }
}

const isOver = (watcher: Watcher) => watcher.messages.some(({ type }) => type === "job_completed");

describe("all ways to watch", () => {
  it("send the same messages, byte for byte", async () => {
    const userId = "bytes";
    const token = hub.tokenFor(userId);
    const all: Watcher[] = KINDS.map((kind) => watchers[kind]({ publicUrl: hub.publicUrl, token }));
    await Promise.all(all.map((one) => one.until((w) => w.syncs > 0 || w.kind === "polling", "synced")));
    await tell(
      story("job-bytes", userId),
      all.filter(({ kind }) => kind !== "polling"),
    );
    await Promise.all(all.map((one) => one.until(isOver, "the end of the job", 10_000)));
    const [socketio, websocket, sse, polling] = all.map(({ raw }) => raw);
    expect(socketio?.length).toBeGreaterThan(30);
    expect(websocket).toEqual(socketio);
    expect(sse).toEqual(socketio);
    // Polling reads the present state, so steps in between may differ; what is settled is the same text.
    expect(polling?.slice(-1)).toEqual(socketio?.slice(-1));
    const late = watchers.polling({ publicUrl: hub.publicUrl, token, jobId: "job-bytes" });
    await late.until(isOver, "a late poll");
    const live = new Set(socketio);
    expect(late.raw.filter((text) => !live.has(text) && !text.includes("upload_started"))).toEqual([]);
    expect(all.map((one) => one.view())).toEqual(all.map(() => all[0]?.view()));
    for (const one of all) one.close();
  });

  it.each(KINDS)("%s: cut at any message and resumed, ends like one that was never cut", async (kind) => {
    const userId = `cut-${kind}`;
    const options = { publicUrl: hub.publicUrl, token: hub.tokenFor(userId) };
    const whole = watchers.websocket(options);
    await whole.until((w) => w.syncs > 0, "synced");
    const cuts = Array.from({ length: 64 }, (_, index) => index + 1);
    const runs = cuts.map(async (cut) => {
      const first = watchers[kind](options);
      await first.until((w) => w.messages.length >= cut || isOver(w), `message ${cut}`, 20_000);
      first.close();
      const second = watchers[kind]({ ...options, continues: first });
      await second.until(isOver, "the end of the job", 20_000);
      // The condition below is looked at when `second` changes: what it compares with must be there already.
      await whole.until(isOver, "the end of the job, never cut", 20_000);
      await second.until((w) => sameView(w, whole), "the view of one never cut", 10_000);
      second.close();
      return second;
    });
    await tell(story(`job-${userId}`, userId), [whole]);
    await whole.until(isOver, "the end of the job", 10_000);
    for (const watcher of await Promise.all(runs)) {
      const seqs = watcher.messages.map(({ id }) => Number(id.split("-")[1]));
      // Pages of a snapshot come in order; a resumed stream goes on above what was seen.
      if (kind !== "polling") expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
    }
    whole.close();
  });

  it.each(KINDS)("%s: two users with the same photo and job ids never see each other", async (kind) => {
    const mine = { publicUrl: hub.publicUrl, token: hub.tokenFor(`mine-${kind}`) };
    const theirs = { publicUrl: hub.publicUrl, token: hub.tokenFor(`theirs-${kind}`) };
    const scope = "user" as const;
    const of = (userId: string, title: string) =>
      story("album", userId).flatMap((step) =>
        step.map((one) => ({ ...one, scope, ...(one.type === "uploadjob.created" ? { title } : {}) })),
      );
    const jobId = `private-${kind}`;
    // For polling an answer, which is 404: to them there is no such job.
    const answers = (watcher: Watcher) => watcher.syncs + watcher.ends.length;
    const guess = watchers[kind]({ ...theirs, jobId });
    const a = watchers[kind](mine);
    const b = watchers[kind](theirs);
    await Promise.all([a, b, guess].map((one) => one.until((w) => answers(w) > 0, "synced, or an answer")));
    await hub.post(of(`mine-${kind}`, "Mine"));
    await hub.post([event.progressed(5, { userId: `mine-${kind}`, jobId })]);
    await a.until(isOver, "my job's end");
    await hub.post(of(`theirs-${kind}`, "Theirs").slice(0, 3));
    await b.until((w) => w.messages.length > 0, "their messages");
    const titles = (watcher: Watcher) => new Set(watcher.messages.flatMap(({ title }) => title ?? []));
    expect(titles(a)).toEqual(new Set(["Mine"]));
    expect(titles(b)).toEqual(new Set(["Theirs"]));
    expect(isOver(b)).toBe(false);
    expect(b.messages.some((message) => message.jobId === jobId)).toBe(false);
    const before = answers(guess);
    const late = watchers[kind]({ ...theirs, jobId });
    await late.until((w) => answers(w) > 0, "synced, or an answer");
    if (kind === "polling") {
      await guess.until((w) => answers(w) > before, "one more answer");
      for (const { ends } of [guess, late])
        expect(new Set(ends.map(({ code }) => code))).toEqual(new Set([404]));
    }
    expect([...guess.messages, ...late.messages]).toEqual([]);
    // Their own job of that id comes last: what there was of mine would have come before it.
    await hub.post([{ ...event.created({ jobId, userId: `theirs-${kind}`, title: "Theirs" }), scope }]);
    for (const one of [guess, late]) {
      await one.until((w) => w.messages.length > 0, "their own job");
      expect(titles(one)).toEqual(new Set(["Theirs"]));
      expect(one.messages.filter(({ photoId }) => photoId !== undefined)).toEqual([]);
    }
    for (const one of [a, b, guess, late]) one.close();
  });
});

describe("curl", () => {
  it("sees retry, then id/event/data blocks, and the end; with that id again 204", async () => {
    const userId = "curl";
    const token = hub.tokenFor(userId);
    await tell(story("job-curl", userId), []);
    const url = `${hub.publicUrl}/api/v1/upload-progress/job-curl`;
    const auth = `Authorization: Bearer ${token}`;
    const run = promisify(execFile);
    const { stdout } = await run("curl", ["-sN", "--max-time", "10", "-H", auth, url]);
    const [retry, ...blocks] = stdout.split("\n\n");
    expect(retry).toMatch(/^retry: ?\d+$/);
    expect(blocks.pop()).toBe("");
    expect(blocks.length).toBeGreaterThan(5);
    for (const block of blocks) expect(block).toMatch(/^id: ?\S+\nevent: ?[a-z_]+\ndata: ?\{.*\}$/);
    expect(blocks.at(-1)).toContain('"type":"synced"');
    const id = /^id: ?(\S+)/.exec(blocks.at(-1) ?? "")?.[1] ?? "";
    const again = await run("curl", [
      "-s",
      "-o",
      "/dev/null",
      "-w",
      "%{http_code}",
      "-H",
      auth,
      `${url}?lastEventId=${id}`,
    ]);
    expect(again.stdout).toBe("204");
  });
});

function sameView(one: Watcher, other: Watcher): boolean {
  const flat = (watcher: Watcher) => JSON.stringify([...watcher.view()].sort());
  return flat(one) === flat(other);
}
