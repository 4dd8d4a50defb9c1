import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Directory } from "../../src/core/directory.ts";
import type { ConnectionKind, MemberInfo } from "../../src/engine/presence.ts";

const NAMES = ["g0", "g1", "g2"] as const;
const KINDS = ["socketio", "websocket", "sse", "polling"] as const satisfies readonly ConnectionKind[];
const MAX_PER_USER = 3;

const nameOf = fc.constantFrom(...NAMES);
const userOf = fc.constantFrom("u", "v");
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("connect" as const), name: nameOf, user: userOf }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("leave" as const), name: nameOf, pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("detach" as const), name: nameOf }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("attach" as const), name: nameOf, turn: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("disconnect" as const), user: userOf }) },
);

/** A gateway as the directory sees it: it ends whom it is told to, and says later, or twice, that they left. */
class ScriptedGateway {
  readonly name: string;
  readonly here = new Map<number, MemberInfo>();
  readonly endedIds: number[] = [];
  presence: ReturnType<Directory["attach"]> | null = null;
  readonly #directory: Directory;

  constructor(directory: Directory, name: string) {
    this.#directory = directory;
    this.name = name;
  }

  attach(isLastFirst: boolean): void {
    const presence = this.#directory.attach(this.name, {
      end: (memberIds) => {
        for (const memberId of memberIds) {
          this.endedIds.push(memberId);
          this.here.delete(memberId);
        }
      },
    });
    this.presence = presence;
    const members = [...this.here.values()];
    for (const member of isLastFirst ? members.reverse() : members) presence.join(member);
  }
}

describe("the directory", () => {
  it("knows at most the limit of each user, the newest of them, and ends no connection twice", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const directory = new Directory(MAX_PER_USER);
        const gateways = new Map(NAMES.map((name) => [name, new ScriptedGateway(directory, name)]));
        const gatewayOf = (name: (typeof NAMES)[number]) => {
          const gateway = gateways.get(name);
          if (gateway === undefined) throw new Error(name);
          return gateway;
        };
        for (const gateway of gateways.values()) gateway.attach(false);
        let clockMs = 0;
        for (const one of steps) {
          clockMs += 1;
          if (one.do === "connect") {
            const { here, presence } = gatewayOf(one.name);
            const kind = KINDS[clockMs % KINDS.length] ?? "sse";
            const member = { memberId: clockMs, userId: one.user, kind, sinceMs: clockMs };
            here.set(clockMs, member);
            presence?.join(member);
            if (presence !== null) {
              expect(directory.membersOf(one.user).at(-1)).toEqual({ ...member, gateway: one.name });
            }
          } else if (one.do === "leave") {
            const { here, endedIds, presence } = gatewayOf(one.name);
            const memberId = [...here.keys(), ...endedIds][one.pick % (here.size + endedIds.length || 1)];
            here.delete(memberId ?? -1);
            presence?.leave(memberId ?? -1);
          } else if (one.do === "detach") {
            const gateway = gatewayOf(one.name);
            gateway.presence?.detach();
            gateway.presence = null;
          } else if (one.do === "attach") {
            gatewayOf(one.name).attach(one.turn);
          } else {
            const known = directory.membersOf(one.user).length;
            expect(directory.disconnect(one.user, "disconnected")).toBe(known);
            expect(directory.membersOf(one.user)).toEqual([]);
          }
          const attached = [...gateways.values()].filter(({ presence }) => presence !== null);
          for (const userId of ["u", "v"]) {
            const here = attached.flatMap(({ name, here }) =>
              [...here.values()]
                .filter((member) => member.userId === userId)
                .map((member) => ({ ...member, gateway: name })),
            );
            // Whom an attached gateway holds is whom the directory knows: who was one too many is gone on both sides.
            expect(directory.membersOf(userId)).toEqual(here.sort((a, b) => a.sinceMs - b.sinceMs));
            expect(here.length).toBeLessThanOrEqual(MAX_PER_USER);
          }
          expectCounts(directory, attached);
        }
        for (const { endedIds } of gateways.values()) expect(new Set(endedIds).size).toBe(endedIds.length);
      }),
      { numRuns: 300 },
    );
  });

  it("ends the oldest over all gateways, and of a gateway that comes back only who is older than the rest", () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray([1, 2, 3, 4, 5, 6, 7, 8], { minLength: 8 }),
        fc.nat(8),
        (order, cut) => {
          const directory = new Directory(MAX_PER_USER);
          const ended: number[] = [];
          const end = (memberIds: readonly number[]) => void ended.push(...memberIds);
          const [left, right] = [directory.attach("left", { end }), directory.attach("right", { end })];
          order.forEach((sinceMs, index) => {
            const presence = index < cut ? left : right;
            presence.join({ memberId: sinceMs, userId: "u", kind: "sse", sinceMs });
          });
          expect(directory.membersOf("u").map(({ sinceMs }) => sinceMs)).toEqual([6, 7, 8]);
          expect(ended.sort()).toEqual([1, 2, 3, 4, 5]);
        },
      ),
    );
  });

  it("names the users with most connections, most first", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 40 }),
        fc.integer({ min: 1, max: 10 }),
        (sizes, most) => {
          const directory = new Directory(10);
          const presence = directory.attach("g", { end: () => undefined });
          let memberId = 0;
          sizes.forEach((size, user) => {
            for (let count = 0; count < size; count += 1) {
              presence.join({ memberId: ++memberId, userId: `u${user}`, kind: "sse", sinceMs: 0 });
            }
          });
          const best = directory.busiest(most);
          expect(best.map(({ total }) => total)).toEqual(sizes.sort((a, b) => b - a).slice(0, most));
          expect(new Set(best.map(({ userId }) => userId)).size).toBe(best.length);
          for (const { total, byTransport } of best) expect(byTransport.sse).toBe(total);
        },
      ),
    );
  });
});

function expectCounts(directory: Directory, attached: readonly ScriptedGateway[]): void {
  const { total, byTransport, gateways, users } = directory.counts();
  const here = attached.flatMap((gateway) => [...gateway.here.values()]);
  expect(total).toBe(here.length);
  expect(users).toBe(new Set(here.map(({ userId }) => userId)).size);
  for (const kind of KINDS) {
    expect(byTransport[kind]).toBe(here.filter((member) => member.kind === kind).length);
    expect(gateways.reduce((sum, gateway) => sum + gateway.byTransport[kind], 0)).toBe(byTransport[kind]);
  }
  expect(gateways.map(({ name }) => name).sort()).toEqual(attached.map(({ name }) => name).sort());
}
