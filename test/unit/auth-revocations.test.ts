import { describe, expect, it } from "vitest";
import { type Revocation, Revocations } from "../../src/auth/revocations.ts";
import type { Identity } from "../../src/auth/verify.ts";

const NOW = 1_800_000_000;
const token: Identity = { userId: "u", jti: "t1", issuedAtSeconds: NOW, expiresAtSeconds: NOW + 3_600 };

const ofJti = (jti: string, expiresAtSeconds: number | null = null): Revocation => ({
  jti,
  expiresAtSeconds,
});
const ofUser = (issuedBeforeSeconds: number, expiresAtSeconds: number | null = null): Revocation => ({
  userId: "u",
  issuedBeforeSeconds,
  expiresAtSeconds,
});

describe("a revocation", () => {
  it("by jti is of that token alone", () => {
    const revocations = new Revocations();
    revocations.add(ofJti("t1"));
    expect(revocations.isRevoked(token)).toBe(true);
    expect(revocations.isRevoked({ ...token, jti: "t2" })).toBe(false);
    expect(revocations.isRevoked({ ...token, jti: null })).toBe(false);
  });

  it("by user is of what was issued before, or does not say when; of that user alone", () => {
    const revocations = new Revocations();
    revocations.add(ofUser(NOW));
    expect(revocations.isRevoked(token)).toBe(false);
    expect(revocations.isRevoked({ ...token, issuedAtSeconds: NOW - 1 })).toBe(true);
    expect(revocations.isRevoked({ ...token, issuedAtSeconds: null })).toBe(true);
    expect(revocations.isRevoked({ ...token, userId: "v", issuedAtSeconds: null })).toBe(false);
  });

  it("never takes back an earlier one, whatever the order", () => {
    const all = [ofUser(NOW + 5, NOW + 100), ofUser(NOW, NOW + 200), ofJti("t1", NOW + 100), ofJti("t1")];
    for (const list of [all, [...all].reverse()]) {
      const revocations = new Revocations(() => NOW * 1_000);
      for (const one of list) revocations.add(one);
      expect(revocations.list()).toHaveLength(2);
      expect(revocations.list()).toEqual(
        expect.arrayContaining([ofUser(NOW + 5, NOW + 200), ofJti("t1", null)]),
      );
    }
  });

  it("ends with its tokens", () => {
    let nowMs = NOW * 1_000;
    const revocations = new Revocations(() => nowMs);
    revocations.add(ofJti("brief", NOW + 10));
    revocations.add(ofJti("endless"));
    nowMs += 10_000;
    expect(revocations.list()).toEqual([ofJti("endless")]);
  });

  it("beyond the bound pushes out the oldest that holds, and says which", () => {
    let nowMs = NOW * 1_000;
    const revocations = new Revocations(() => nowMs, 3);
    expect(["a", "b", "c"].map((jti) => revocations.add(ofJti(jti)))).toEqual([null, null, null]);
    expect(revocations.add(ofJti("a"))).toBeNull();
    expect(revocations.add(ofJti("d", NOW + 10))).toEqual(ofJti("b"));
    nowMs += 10_000;
    expect(revocations.add(ofJti("e"))).toBeNull();
    expect(revocations.list()).toEqual(["c", "a", "e"].map((jti) => ofJti(jti)));
  });

  it("is plain data: a list taken elsewhere refuses the same tokens", () => {
    const here = new Revocations();
    here.add(ofJti("t1"));
    here.add(ofUser(NOW));
    const there = new Revocations();
    for (const one of JSON.parse(JSON.stringify(here.list()))) there.add(one);
    expect(there.list()).toEqual(here.list());
    expect(there.isRevoked(token)).toBe(true);
    expect([here.version, there.version]).toEqual([2, 2]);
  });
});
