import { request } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { until } from "../../simulator/oracle/until.ts";
import { startTestHub, type TestHub } from "../hub.ts";

// What `npm run build` made is served here: `npm test` builds first.

let hub: TestHub;

afterEach(() => hub.close());

describe("the pages", () => {
  beforeEach(async () => {
    hub = await startTestHub({ ui: true });
  });

  it.each([
    ["uploads", () => hub.publicUrl],
    ["operations", () => hub.internalUrl],
  ])("%s: nothing from elsewhere, no inline script, in no frame", async (name, url) => {
    const answer = await fetch(`${url()}/`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(answer.headers.get("cache-control")).toBe("no-cache");
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    const policy = answer.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    const html = await answer.text();
    expect(html.toLowerCase()).toContain(`<title>${name}`);
    expect(html).not.toMatch(/<script(?![^>]* src="\/assets\/)/);
    expect(html).not.toMatch(/<style|\bstyle=|\bon[a-z]+=|(?:src|href)="(?!\/assets\/)/);
    for (const [, path = ""] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
      const asset = await fetch(url() + path);
      expect([path, asset.status]).toEqual([path, 200]);
      expect(asset.headers.get("cache-control")).toContain("immutable");
      expect(asset.headers.get("vary")).toBe("Accept-Encoding, Origin");
      expect(asset.headers.get("content-encoding")).toBe("gzip");
      const bytes = (await asset.arrayBuffer()).byteLength;
      expect(Number(asset.headers.get("content-length"))).not.toBe(bytes);
      const plain = await fetch(url() + path, { headers: { "accept-encoding": "br, gzip;q=0" } });
      expect(plain.headers.get("content-encoding")).toBeNull();
      expect([plain.headers.get("content-length"), (await plain.arrayBuffer()).byteLength]).toEqual([
        String(bytes),
        bytes,
      ]);
    }
  });

  it("is told what it has already", async () => {
    const first = await fetch(`${hub.publicUrl}/`);
    const etag = first.headers.get("etag") ?? "";
    const again = await fetch(`${hub.publicUrl}/`, { headers: { "if-none-match": etag } });
    expect([again.status, await again.text()]).toEqual([304, ""]);
    const head = await fetch(`${hub.publicUrl}/`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    expect((await fetch(`${hub.publicUrl}/`, { method: "POST" })).status).toBe(405);
  });

  it("has no other file, and nothing of --dev", async () => {
    const paths = ["/assets/nothing.js", "/assets/../uploads/index.html", "/uploads/", "/dev/session"];
    for (const path of paths) expect([path, await statusOf(path)]).toEqual([path, 404]);
  });
});

describe("without --ui", () => {
  it("there is no page", async () => {
    hub = await startTestHub();
    expect(await statusOf("/")).toBe(404);
    expect((await fetch(`${hub.internalUrl}/`)).status).toBe(404);
  });
});

describe("with --dev", () => {
  beforeEach(async () => {
    hub = await startTestHub({ dev: true });
  });

  it("gives a token to this machine, and to nobody who comes by another name", async () => {
    const session = await (await fetch(`${hub.publicUrl}/dev/session`)).json();
    expect(session).toEqual({ userId: "demo", token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/) });
    const { port } = new URL(hub.publicUrl);
    expect(await statusOf("/dev/session", { host: `localhost:${port}` })).toBe(200);
    // A name of somebody else's that leads here (DNS rebinding); and whoever comes through a proxy.
    for (const host of [`evil.example:${port}`, `127.0.0.1.evil.example:${port}`, "[::1", "10.0.0.1"])
      expect([host, await statusOf("/dev/session", { host })]).toEqual([host, 404]);
    expect(await statusOf("/dev/session", { "x-forwarded-for": "10.0.0.7" })).toBe(404);
  });

  it("starts simulated uploads of who asks, and of nobody else", async () => {
    const start = (body: object, token?: string) =>
      fetch(`${hub.publicUrl}/dev/uploads`, {
        method: "POST",
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
        body: JSON.stringify(body),
      });
    expect((await start({ kind: "few" })).status).toBe(401);
    const token = hub.tokenFor("anna");
    for (const kind of ["nothing", "toString", 1, null])
      expect([kind, (await start({ kind }, token)).status]).toEqual([kind, 400]);
    const answer = await start({ kind: "few" }, token);
    const { jobId } = (await answer.json()) as { jobId: string };
    const jobsOf = async (user: string): Promise<string[]> => {
      const headers = { accept: "application/json", authorization: `Bearer ${hub.tokenFor(user)}` };
      const polled = await fetch(`${hub.publicUrl}/api/v1/upload-progress`, { headers });
      return ((await polled.json()) as { jobs: { jobId: string }[] }).jobs.map((job) => job.jobId);
    };
    await until(async () => (await jobsOf("anna")).includes(jobId), "the job is there", 5_000);
    expect(await jobsOf("demo")).toEqual([]);
  });
});

function statusOf(path: string, headers: Record<string, string> = {}): Promise<number> {
  // Not by fetch, which sends a Host of its own, and resolves dots.
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(hub.publicUrl);
    request({ hostname, port, path, headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on("error", reject)
      .end();
  });
}
