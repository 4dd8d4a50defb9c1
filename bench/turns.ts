/**
 * When a side has its load: in the first `slotMs` of every `everyMs`, from `startsAtMs` on, of `performance.now()`. What is
 * under way then has another `gapMs` before the other side begins.
 */
export interface Turn {
  readonly startsAtMs: number;
  readonly slotMs: number;
  readonly gapMs: number;
  readonly everyMs: number;
}

/** What a side of a comparison waits for the other with. */
export interface Turns {
  /** Resolves for both when both are there, or the other has left; their loads take turns then, by slots of so long. */
  meet(slotMs: number): Promise<Turn>;
}

/** Longer than an event is under way: what it costs is its own side's, and does not meet the other's. */
const GAP_MS = 200;
/** Until both sides have prepared what they have to. */
const START_IN_MS = 1_000;

/** Lets so many sides be under load in turn, a few seconds each: whatever the machine is like, it is so for all. */
export class TurnTaking {
  readonly #count: number;
  /** Those that have not left. */
  readonly #sides = new Set<number>();
  readonly #waiting = new Map<number, (startMs: number) => void>();

  constructor(sides: number) {
    this.#count = sides;
    for (let side = 0; side < sides; side += 1) this.#sides.add(side);
  }

  /** From 0, in which order they begin. */
  of(side: number): Turns {
    return {
      meet: async (slotMs) => {
        const startMs = await new Promise<number>((resolve) => {
          this.#waiting.set(side, resolve);
          this.#goOn();
        });
        const oneMs = slotMs + GAP_MS;
        return { startsAtMs: startMs + side * oneMs, slotMs, gapMs: GAP_MS, everyMs: this.#count * oneMs };
      },
    };
  }

  /** It has come to its end, however: nobody waits for it any more. */
  leave(side: number): void {
    this.#sides.delete(side);
    this.#goOn();
  }

  #goOn(): void {
    if (this.#waiting.size < this.#sides.size) return;
    const startMs = Math.ceil(performance.now()) + START_IN_MS;
    for (const resolve of this.#waiting.values()) resolve(startMs);
    this.#waiting.clear();
  }
}
