import { describe, expect, it } from "vitest";
import { loadSettings } from "../../src/config/load.ts";
import { parseRedisUrl, redisUrlProblem, showRedisUrl } from "../../src/redis/url.ts";

const open = { username: null, password: null };
const alone = { kind: "standalone", address: { host: "h", port: 6_379 }, database: 0, isTls: false, ...open };

describe("a URL of Redis", () => {
  it.each([
    ["redis://h", alone],
    ["redis://h/", alone],
    ["redis://h:7000/2", { ...alone, address: { host: "h", port: 7_000 }, database: 2 }],
    ["rediss://h", { ...alone, isTls: true }],
    ["redis://[::1]:7", { ...alone, address: { host: "::1", port: 7 } }],
    ["redis://:p%40ss%2Fword@h", { ...alone, password: "p@ss/word" }],
    ["redis://me:a:b@h", { ...alone, username: "me", password: "a:b" }],
    [
      "redis-cluster://:x@a:1,b,[fe80::1]:3",
      {
        kind: "cluster",
        nodes: [
          { host: "a", port: 1 },
          { host: "b", port: 6_379 },
          { host: "fe80::1", port: 3 },
        ],
        username: null,
        password: "x",
      },
    ],
    [
      "redis-sentinel://a,b:2/my.master-1",
      {
        kind: "sentinel",
        sentinels: [
          { host: "a", port: 26_379 },
          { host: "b", port: 2 },
        ],
        master: "my.master-1",
        ...open,
      },
    ],
  ])("%s", (url, target) => {
    expect(parseRedisUrl(url)).toEqual(target);
    expect(redisUrlProblem(url)).toBeNull();
  });

  it.each([
    ["http://h", "must look like redis://host:port"],
    ["redis:/h", "must look like redis://host:port"],
    ["redis://", "must name a host, such as redis://host:port"],
    ["redis://h?db=2", "must look like redis://host:port"],
    ["redis://h:0", "must have ports from 1 to 65535"],
    ["redis://h:65536", "must have ports from 1 to 65535"],
    ["redis://h:port", "must list hosts as host:port"],
    ["redis://::1", "must list hosts as host:port, an IPv6 address in brackets"],
    ["redis://h/two", "must have the number of a database"],
    ["redis://a,b", "must name one host: several are for redis-cluster:// or redis-sentinel://"],
    ["redis-cluster://a,,b", "must list hosts as host:port"],
    ["redis-cluster://a/1", "must not name a database: a cluster has only one"],
    ["redis-sentinel://a,b", "must name the master the sentinels watch"],
    ["redis-sentinel://a/my/master", "must name the master the sentinels watch"],
    ["redis://hunter2@h", "has a user without a password"],
    ["redis://me:@h", "has an empty password"],
    ["redis://me:hun%ter2@h", "must have its user and password percent-encoded"],
    ["redis://me:hunt@er2@h", "must have @ in a user or password written as %40"],
    ["redis://me:hunt/er2@h", "a / in a password is %2F"],
    ["redis-cluster://me:hunter2,x@a", null],
  ])("%s is told what is wrong, without its password", (url, problem) => {
    if (problem === null) return expect(redisUrlProblem(url)).toBeNull();
    expect(redisUrlProblem(url)).toContain(problem);
    expect(redisUrlProblem(url)).not.toMatch(/hun|er2/);
    expect(() => parseRedisUrl(url)).toThrow(TypeError);
  });

  it("that is wrong is not quoted by the configuration either", () => {
    const load = () => loadSettings({ flags: { dev: "on", redis: "redis://me:hunter2@h/two" } });
    expect(load).toThrow(/^--redis must have the number of a database/);
    expect(load).not.toThrow(/hunter2/);
  });

  it("is shown without its user and password", () => {
    expect(showRedisUrl("redis-cluster://me:hunter2@a:1,b:2")).toBe("redis-cluster://***@a:1,b:2");
    expect(showRedisUrl("redis://h")).toBe("redis://h");
  });
});
