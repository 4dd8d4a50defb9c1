import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname } from "node:path";
import { type FixedAnswer, fixedAnswer } from "./fixed-answer.ts";
import { StartError } from "./start-error.ts";

/** Beside `dist/src`, where the build lays them; from the sources too, as tests run them. */
const FOLDERS = ["../web/", "../dist/web/"].map((path) => new URL(path, import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Nothing from elsewhere, no script or style but the files, in no frame. */
const SECURITY = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
};

/** Among others, and not with a weight of 0 (RFC 9110 section 12.5.3). */
const ACCEPTS_GZIP = /(?:^|,)\s*gzip\s*(?:$|,|;\s*q=(?!0(?:\.0*)?\s*(?:,|$)))/i;

/**
 * One of the built pages, by path: itself at `/`, and what it needs below `/assets/`. All of it is read now, so that a
 * build that is replaced under a running hub harms nobody. Throws a StartError where nobody has built them.
 */
export function readPage(name: "uploads" | "operations"): ReadonlyMap<string, FixedAnswer> {
  const folder = FOLDERS.find((url) => existsSync(new URL(`${name}/index.html`, url)));
  if (folder === undefined)
    throw new StartError("the pages are not built; run `npm run build`, or leave out --ui");
  const assets = readdirSync(new URL("assets/", folder))
    .filter((file) => !file.endsWith(".gz"))
    .map((file) => `assets/${file}`);
  return new Map([
    ["/", fileAnswer(new URL(`${name}/index.html`, folder), "no-cache")],
    // Their names are made of what is in them.
    ...assets.map((path): [string, FixedAnswer] => [
      `/${path}`,
      fileAnswer(new URL(path, folder), "public, max-age=31536000, immutable"),
    ]),
  ]);
}

function fileAnswer(file: URL, caching: string): FixedAnswer {
  const type = TYPES[extname(file.pathname)] ?? "application/octet-stream";
  const body = readFileSync(file);
  const headers = {
    ...{ ...SECURITY, "Content-Type": type, "Cache-Control": caching },
    // By origin, since the public listener adds CORS.
    Vary: "Accept-Encoding, Origin",
  };
  const plain = fixedAnswer(body, headers);
  const zipped = fixedAnswer(readFileSync(new URL(`${file.href}.gz`)), {
    ...headers,
    "Content-Encoding": "gzip",
  });
  return (request, response) => {
    const takesGzip = ACCEPTS_GZIP.test(String(request.headers["accept-encoding"] ?? ""));
    (takesGzip ? zipped : plain)(request, response);
  };
}
