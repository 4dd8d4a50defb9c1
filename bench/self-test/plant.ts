import type { Message, Unit } from "./units.ts";

/** A client's connection, as the server writes to it. */
export interface Line {
  send(bytes: Buffer): void;
}

/** A fault at work, of one run: what it has counted and keeps is its own. */
export interface Plant {
  /** Asked of each connection, as it is made. */
  isRefused(): boolean;
  /** Hands on what the server sent to this client, or does not. */
  pass(unit: Unit, line: Line): void;
  closed(line: Line): void;
}

type Part = Partial<Plant>;

const nothing: Plant = {
  isRefused: () => false,
  pass: ({ bytes }, line) => line.send(bytes),
  closed: () => undefined,
};

const planted = (part: Part): Plant => ({ ...nothing, ...part });

/** Everything goes through as it came. */
export function none(): Plant {
  return nothing;
}

/** All that the server sends, in its order, so much later. */
export function late(byMs: number): Plant {
  return planted({ pass: ({ bytes }, line) => void setTimeout(() => line.send(bytes), byMs) });
}

/** One of so many messages never comes. */
export function dropped(oneIn: number): Plant {
  const isNext = everyNth(oneIn);
  return planted({
    pass({ bytes, message }, line) {
      if (message === null || !isNext()) line.send(bytes);
    },
  });
}

/** One of so many messages comes again at once. */
export function duplicated(oneIn: number): Plant {
  const isNext = everyNth(oneIn);
  return planted({
    pass({ bytes, message }, line) {
      line.send(bytes);
      if (message !== null && isNext()) line.send(bytes);
    },
  });
}

/** One of so many messages comes after the one that follows it, where one follows soon; else it is on its way again. */
export function swapped(oneIn: number, withinMs: number): Plant {
  const isNext = everyNth(oneIn);
  const kept = new Map<Line, () => void>();
  return planted({
    pass({ bytes, message }, line) {
      const overtaken = kept.get(line);
      if (overtaken !== undefined) {
        line.send(bytes);
        if (message !== null) overtaken();
      } else if (message !== null && isNext()) kept.set(line, keptBack(bytes, line));
      else line.send(bytes);
    },
    closed: (line) => void kept.delete(line),
  });

  function keptBack(bytes: Buffer, line: Line): () => void {
    const send = (): void => {
      clearTimeout(timer);
      if (kept.delete(line)) line.send(bytes);
    };
    const timer = setTimeout(send, withinMs);
    return send;
  }
}

/** One message, once, is given to a client of another user too. */
export function foreign(): Plant {
  const last = new Map<Line, Message>();
  let isDone = false;
  return planted({
    pass({ bytes, message }, line) {
      line.send(bytes);
      if (message === null || isDone) return;
      last.set(line, message);
      for (const [other, { jobId, wire }] of last) {
        if (jobId === message.jobId || wire !== message.wire) continue;
        other.send(bytes);
        isDone = true;
        return;
      }
    },
    closed: (line) => void last.delete(line),
  });
}

/** This connection is reset as soon as it is made, all others are not. */
export function refused(nth: number): Plant {
  let made = 0;
  return planted({
    isRefused() {
      made += 1;
      return made === nth;
    },
  });
}

function everyNth(count: number): () => boolean {
  let seen = 0;
  return () => {
    seen += 1;
    return seen % count === 0;
  };
}
