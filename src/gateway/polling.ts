import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { httpTokenOf } from "../auth/extract.ts";
import type { Identity } from "../auth/verify.ts";
import type { Engine, Page, ReadQuery } from "../engine/contract.ts";
import { HubError } from "../errors.ts";
import { refuse } from "./answers.ts";
import { waitForNews } from "./long-poll.ts";
import type { GatewayParts } from "./parts.ts";
import { lastEventIdOf, type Target } from "./requests.ts";
import type { Traffic } from "./traffic.ts";

/** What a client is asked to wait between two polls. */
const POLL_AFTER_MS = 2_000;
/** Whether the messages are a snapshot, after which a client forgets what is not in it, or what is newer: `resumed`. */
export const MODE_HEADER = "Progress-Hub-Mode";
const MAX_WAIT_MS = 60_000;

/** Answers a request for JSON; `jobId` null: all jobs of the user. */
export type PollingEntrance = (
  request: IncomingMessage,
  response: ServerResponse,
  target: Target,
  jobId: string | null,
) => Promise<void>;

export function createPollingEntrance(parts: GatewayParts): PollingEntrance {
  const { engine, admission, settings, handshakes, traffic } = parts;

  /** The page to answer with; waits for news when there is none for this client yet. */
  async function firstPage(
    response: ServerResponse,
    identity: Identity,
    jobId: string | null,
    query: URLSearchParams,
    isKnown: (page: Page) => boolean,
  ): Promise<Page> {
    const { userId } = identity;
    const waitMs = waitMsOf(query.get("wait"));
    const from = { kind: "start", lastEventId: lastEventIdOf(query.get("since")) } as const;
    const page = assertKnown(jobId, await engine.read({ userId, jobId, from }));
    const hasNews = (page.messages.length > 0 && !isKnown(page)) || !page.done || page.job?.ended === true;
    if (hasNews || waitMs === 0) return page;
    await waitForNews(parts, identity, response, { jobId, headId: page.headId, waitMs });
    if (identity.expiresAtSeconds * 1_000 <= Date.now()) throw new HubError("token_expired");
    const next = page.mode === "resumed" ? page.next : from;
    return assertKnown(jobId, await engine.read({ userId, jobId, from: next }));
  }

  return async (request, response, { path, query }, jobId) => {
    try {
      admission.assertOpen();
      const token = httpTokenOf({ headers: request.headers, url: request.url ?? "" });
      const identity = await admission.authenticate(token);
      const etagOfPage = ({ headId }: Page) => etagOf(identity.userId, path, query, headId);
      const isKnown = (page: Page) => isNamed(etagOfPage(page), request.headers["if-none-match"]);
      const page = await firstPage(response, identity, jobId, query, isKnown);
      handshakes.ok("polling");
      if (response.destroyed) return;
      const headers = {
        ETag: etagOfPage(page),
        [MODE_HEADER]: page.mode,
        "Cache-Control": "private, no-cache",
        Vary: "Accept, Authorization, Origin",
      };
      if (isKnown(page)) {
        response.writeHead(304, headers).end();
        return;
      }
      response.writeHead(200, { ...headers, "Content-Type": "application/json" });
      response.setTimeout(settings.slowTimeout, () => response.destroy());
      const pages = bodyOf(engine, identity.userId, jobId, page, traffic);
      await pipeline(Readable.from(pages), response);
    } catch (error) {
      if (!response.headersSent) handshakes.refused("polling", error, request);
      if (!response.destroyed) refuse(response, error);
    }
  };
}

/**
 * The answer, page by page: however much there is, no more than a page of it is in memory. `id` is the head at the
 * first page; what is shown while the others are read is left to the next poll, or it would come twice.
 */
async function* bodyOf(
  engine: Engine,
  userId: string,
  jobId: string | null,
  first: Page,
  traffic: Traffic,
): AsyncGenerator<string> {
  const jobs = async () => {
    const present = await engine.jobs(userId, jobId);
    return jobId === null
      ? `"jobs":[${present.map((job) => job.json).join(",")}],`
      : `"job":${present.at(-1)?.json ?? "null"},`;
  };
  // Never read before the last page: it must not be older than the messages beside it.
  let text = `{"id":"${first.headId}",${first.done ? await jobs() : ""}"messages":[`;
  let page = first;
  let comma = "";
  for (;;) {
    const messages = page.messages.filter(({ seq }) => seq <= first.head);
    if (messages.length > 0) {
      text += comma + messages.map((message) => message.json).join(",");
      comma = ",";
      traffic.wrote("polling", messages);
    }
    if (page.done || page.next.seq >= first.head) break;
    yield text;
    text = "";
    const next: ReadQuery = { userId, jobId, from: page.next };
    page = await engine.read(next);
  }
  // Ended since the first page: what came with the end is not in it, so the client has to come once more.
  const pollAfterMs = first.job?.ended ? null : POLL_AFTER_MS;
  yield `${text}],${first.done ? "" : await jobs()}"pollAfterMs":${pollAfterMs}}`;
}

/** Throws HubError `job_not_found`. */
function assertKnown(jobId: string | null, page: Page): Page {
  if (jobId !== null && page.job === null) throw new HubError("job_not_found");
  return page;
}

/** `25s`, `500ms`, `1m`, plain seconds; at most 60 s. Throws HubError `bad_request`. */
function waitMsOf(value: string | null): number {
  if (value === null || value === "") return 0;
  const match = /^(\d{1,9})(ms|s|m)?$/.exec(value);
  if (match === null) throw new HubError("bad_request", "wait: a duration such as 25s or 500ms, at most 60s");
  const unitMs = { ms: 1, s: 1_000, m: 60_000 }[match[2] ?? "s"] ?? 1_000;
  return Math.min(Number(match[1]) * unitMs, MAX_WAIT_MS);
}

/** Weak (RFC 9110 section 8.8.1): the same id need not mean the same bytes. */
function etagOf(userId: string, path: string, query: URLSearchParams, headId: string): string {
  const asked = new URLSearchParams(query);
  asked.delete("access_token");
  const hash = createHash("sha256").update(JSON.stringify([userId, path, asked.toString(), headId]));
  return `W/"${hash.digest("base64url").slice(0, 22)}"`;
}

/** RFC 9110 section 13.1.2: weak comparison with any of the list. */
function isNamed(etag: string, ifNoneMatch: string | undefined): boolean {
  const opaque = etag.slice(2);
  return (
    ifNoneMatch?.split(",").some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === opaque) ??
    false
  );
}
