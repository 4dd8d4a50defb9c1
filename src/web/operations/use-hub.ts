import { useEffect, useState } from "react";
import { messageOf } from "../../message-of.ts";
import { askHub, Refused } from "./ask.ts";
import { type Watched, watched } from "./watched.ts";

const PERIOD_MS = 2_000;

export interface Trouble {
  readonly what: string;
  /** Unix milliseconds at which it was first asked, of the times in a row that it did not answer. */
  readonly sinceMs: number;
}

export interface HubView {
  /** null: it has not answered yet. */
  readonly watched: Watched | null;
  /** null: its last answer was good. */
  readonly trouble: Trouble | null;
  /** Nobody looks, so it is not asked. */
  readonly isPaused: boolean;
}

const NOTHING: HubView = { watched: null, trouble: null, isPaused: false };

/** Asks the hub as long as somebody looks. `onRefused`: the token is no good; then it is not asked again. */
export function useHub(token: string, onRefused: (reason: string) => void): HubView {
  const [view, setView] = useState(NOTHING);
  useEffect(() => {
    let isOver = false;
    let isAsking = false;
    let timer: ReturnType<typeof setTimeout> | null = null;

    const ask = async (): Promise<void> => {
      timer = null;
      isAsking = true;
      const [beganMs, sinceMs] = [performance.now(), Date.now()];
      try {
        const reading = await askHub(token);
        if (isOver) return;
        setView((before) => ({ ...before, watched: watched(before.watched, reading), trouble: null }));
      } catch (error) {
        if (isOver) return;
        if (error instanceof Refused) return onRefused(error.message);
        setView((before) => ({
          ...before,
          trouble: { what: messageOf(error), sinceMs: before.trouble?.sinceMs ?? sinceMs },
        }));
      } finally {
        isAsking = false;
      }
      if (document.hidden) return;
      timer = setTimeout(() => void ask(), Math.max(0, PERIOD_MS - (performance.now() - beganMs)));
    };

    const look = (): void => {
      setView((before) => ({ ...before, isPaused: document.hidden }));
      if (document.hidden) {
        if (timer !== null) clearTimeout(timer);
        timer = null;
      } else if (timer === null && !isAsking) void ask();
    };

    look();
    document.addEventListener("visibilitychange", look);
    return () => {
      isOver = true;
      document.removeEventListener("visibilitychange", look);
      if (timer !== null) clearTimeout(timer);
    };
  }, [token, onRefused]);
  return view;
}
