import { expect, it } from "vitest";
import { ClientAddress } from "../../src/gateway/client-address.ts";

const of = (trusted: readonly string[], remoteAddress: string | undefined, forwarded?: string) => {
  const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded };
  // Only its other end is looked at.
  const socket = Object.create({ remoteAddress });
  return new ClientAddress(trusted).of({ socket, headers });
};

it.each([
  ["nobody is trusted", [], "10.0.0.2", "1.2.3.4", "10.0.0.2"],
  ["the sender is no trusted one", ["10.0.0.2"], "10.0.0.3", "1.2.3.4", "10.0.0.3"],
  ["a trusted proxy", ["10.0.0.2"], "10.0.0.2", "1.2.3.4", "1.2.3.4"],
  ["what the client wrote itself stands left of it", ["10.0.0.2"], "10.0.0.2", "6.6.6.6, 1.2.3.4", "1.2.3.4"],
  ["two trusted proxies", ["10.0.0.0/24"], "10.0.0.2", "6.6.6.6, 1.2.3.4, 10.0.0.9", "1.2.3.4"],
  ["trusted all the way", ["10.0.0.0/8"], "10.0.0.2", "10.1.1.1", "10.1.1.1"],
  ["a trusted one that says nothing", ["10.0.0.2"], "10.0.0.2", undefined, "10.0.0.2"],
  ["a trusted one that says nonsense", ["10.0.0.2"], "10.0.0.2", "1.2.3.4, unknown", "10.0.0.2"],
  ["IPv4 in IPv6", ["10.0.0.2"], "::ffff:10.0.0.2", "::ffff:1.2.3.4", "1.2.3.4"],
  ["IPv6", ["fd00::/8"], "fd00::1", "2001:db8::7", "2001:db8::7"],
  ["with a port", ["10.0.0.2"], "10.0.0.2", "1.2.3.4:5678", "1.2.3.4"],
  ["with brackets and a port", ["10.0.0.2"], "10.0.0.2", "[2001:db8::7]:5678", "2001:db8::7"],
  ["a connection that is gone", ["10.0.0.2"], undefined, "1.2.3.4", null],
] as const)("%s", (_what, trusted, remote, forwarded, expected) => {
  expect(of(trusted, remote, forwarded)).toBe(expected);
});
