import jwt from "jsonwebtoken";
import { describe, expect, test } from "vitest";
import { command } from "./cli-harness.ts";

const SECRET = "s".repeat(32);
const INGEST = "i".repeat(32);
/** Nothing listens on port 1 of this machine. */
const NOWHERE = "http://127.0.0.1:1";

describe("wrong usage ends with 2, and says what was meant", () => {
  test.each([
    [["serv"], /^progress-hub: unknown command 'serv' \(Did you mean serve\?\)\n$/],
    [["serve", "--dev", "--prot", "1"], /^progress-hub: --prot is an unknown flag; did you mean --port\?\n$/],
    [["serve", "--port", "0", "extra"], /^progress-hub: extra: unexpected argument/],
    [["serve", "--port"], /^progress-hub: option '--port <number>' argument missing\n$/],
    [["watch", "--tokn", "x"], /^progress-hub: --tokn is an unknown flag; did you mean --token\?\n$/],
    [["watch", "job", "other"], /^progress-hub: other: unexpected argument/],
    [["watch", "--url", "localhost"], /^progress-hub: --url must be an address/],
    [["simulate", "--seeed=3"], /^progress-hub: --seeed is an unknown flag; did you mean --seed\?\n$/],
    [["simulate", "--rate", "0"], /^progress-hub: --rate must be a whole number from 1/],
    [["simulate", "--duration", "soon"], /^progress-hub: --duration must be a duration/],
    [
      ["simulate", "--profile", "realstic"],
      /^progress-hub: --profile realstic is unknown; did you mean realistic\?/,
    ],
    [
      ["simulate", "--profile", "./none.json"],
      /^progress-hub: --profile \.\/none\.json can't be read \(ENOENT\)\n$/,
    ],
    [["simulate", "--speed", "2", "--rate", "3"], /^progress-hub: --speed and --rate are two ways/],
    [["simulate", "--speed", "fast"], /^progress-hub: --speed must be a number up to 10000, or max/],
    [["simulate", "--chaos"], /^progress-hub: --chaos is a part of --verify; give that too/],
    [["simulate", "--verify", "--dry-run"], /^progress-hub: --verify judges events .*; leave --dry-run out/],
    [
      ["simulate", "--verify", "--tus", "http://h"],
      /^progress-hub: --verify judges events .*; leave --tus out/,
    ],
    [
      ["simulate", "--verify", "--embedded", "--ingest-token", "x"],
      /^progress-hub: --embedded starts a hub of its own; leave it out, or --ingest-token/,
    ],
    [["simulate", "--redis", "redis://h:1"], /^progress-hub: --redis and --redis-stream go together/],
    [
      ["simulate", "--redis", "no", "--redis-stream", "s"],
      /^progress-hub: --redis the URL of Redis must look like/,
    ],
    [["token"], /^progress-hub: --user is missing/],
    [["token", "--user", "a"], /^progress-hub: no secret to sign with/],
    [
      ["token", "--user", "a", "--jwt-secret", "short"],
      /^progress-hub: --jwt-secret needs at least 32 bytes/,
    ],
    [
      ["token", "--user", "a", "--jwt-secret", SECRET, "--ttl", "0"],
      /^progress-hub: --ttl must be a duration/,
    ],
    [["config", "prnt"], /^progress-hub: unknown command 'prnt' \(Did you mean print\?\)\n$/],
    [["config", "docs", "--al"], /^progress-hub: --al is an unknown flag/],
  ])("%j", async (argv, line) => {
    const { code, out, err } = await command(argv);
    expect(err).toMatch(line);
    expect({ code, out }).toEqual({ code: 2, out: "" });
  });

  test("all at once, one line each", async () => {
    const argv = ["serve", "--jwt-secret", "short", "--port", "x", "--drain", "1"];
    const { code, err } = await command(argv, { PROGRESS_HUB_MAX_BATHC: "1" });
    expect(code).toBe(2);
    expect(err.trim().split("\n")).toEqual([
      "progress-hub: PROGRESS_HUB_MAX_BATHC is an unknown variable; did you mean PROGRESS_HUB_MAX_BATCH?",
      "progress-hub: --drain is an unknown flag; did you mean --drain-timeout?",
      expect.stringMatching(/^progress-hub: --jwt-secret needs/),
      expect.stringMatching(/^progress-hub: --port must be/),
      expect.stringMatching(/^progress-hub: ingest-token is missing/),
    ]);
  });
});

describe("an unreachable target ends with 4, before anything else is asked for", () => {
  test.each([[["watch", "--url", NOWHERE]], [["simulate", "--internal", NOWHERE]]])("%j", async (argv) => {
    const { code, err } = await command(argv);
    expect(err).toMatch(
      /^progress-hub: can't reach http:\/\/127\.0\.0\.1:1 \(ECONNREFUSED\); is the hub running/,
    );
    expect(code).toBe(4);
  });
});

describe("help", () => {
  test.each([
    ["serve"],
    ["simulate"],
    ["watch"],
    ["token"],
    ["config"],
    ["config", "print"],
    ["config", "check"],
    ["config", "docs"],
    ["config", "env"],
  ])("%s %s has examples", async (...path) => {
    const { code, out } = await command([...path.filter((part) => part !== undefined), "--help"]);
    expect(code).toBe(0);
    expect(out).toMatch(/Examples?:\n {2}\S/);
  });

  test("serve lists every group of settings", async () => {
    const { out } = await command(["serve", "--help"]);
    for (const group of ["Listeners", "Tokens", "Store", "Progress", "Connections", "Limits", "Operation"]) {
      expect(out).toContain(`${group}:\n`);
    }
  });
});

describe("token", () => {
  test("prints the token alone, of the user, with its end", async () => {
    const { code, out, err } = await command(["token", "--user", "auth0|42", "--ttl", "15m"], {
      PROGRESS_HUB_JWT_SECRET: SECRET,
    });
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^\S+\n$/);
    const payload = jwt.verify(out.trim(), SECRET, { algorithms: ["HS256"] });
    expect(payload).toMatchObject({ sub: "auth0|42" });
    const { exp = 0, iat = 0 } = typeof payload === "string" ? {} : payload;
    expect(exp - iat).toBe(900);
  });

  test("as the settings ask for it: first secret, claim, issuer, audience", async () => {
    const flags = [
      "--jwt-secret",
      `${SECRET},${"t".repeat(32)}`,
      "--jwt-user-claim",
      "uid",
      "--jwt-issuer",
      "me",
      "--jwt-audience",
      "hub",
    ];
    const { out } = await command(["token", "--user", "a", ...flags]);
    expect(jwt.verify(out.trim(), SECRET, { issuer: "me", audience: "hub" })).toMatchObject({ uid: "a" });
  });
});

describe("config", () => {
  const valid = ["--jwt-secret", SECRET, "--ingest-token", INGEST];

  test("check: 0 and a line when valid, 2 and every problem when not", async () => {
    expect(await command(["config", "check", ...valid])).toEqual({
      code: 0,
      out: "The configuration is valid.\n",
      err: "",
    });
    const { code, err } = await command(["config", "check"]);
    expect(code).toBe(2);
    expect(err.trim().split("\n")).toHaveLength(2);
  });

  test("print: values and origins, never secrets, also when something is wrong", async () => {
    const { code, out } = await command(["config", "print", ...valid], { PROGRESS_HUB_PORT: "9000" });
    expect(code).toBe(0);
    expect(out).toMatch(/^port +9000 +PROGRESS_HUB_PORT$/m);
    expect(out).toMatch(/^jwtSecret +\(secret\) +--jwt-secret$/m);
    expect(out).not.toContain(SECRET);
    const broken = await command(["config", "print", "--port", "x"]);
    expect(broken.code).toBe(2);
    expect(broken.out).toMatch(/^port +8080/m);
  });

  test("docs and env need no configuration", async () => {
    expect((await command(["config", "docs"])).out).toMatch(/^\| flag \| variable \|/);
    expect((await command(["config", "env"])).out).toMatch(/^#PROGRESS_HUB_HOST=0\.0\.0\.0$/m);
  });
});
