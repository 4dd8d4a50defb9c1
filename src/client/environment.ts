// What a browser has and another runtime may not: found by name, so that nothing here needs either's types.

interface Page {
  readonly visibilityState?: string;
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
}

interface Globals {
  readonly document?: Page;
  readonly addEventListener?: Page["addEventListener"];
  readonly removeEventListener?: Page["removeEventListener"];
}

/** `frozen`: the page is put to sleep, or into the back/forward cache, or ends; `thawed`: it is back. Gives back what ends it. */
export function onFreeze(frozen: () => void, thawed: () => void): () => void {
  const globals = globalThis as Globals;
  const pairs = [
    [globals.document, "freeze", frozen],
    [globals, "pagehide", frozen],
    [globals.document, "resume", thawed],
    [globals, "pageshow", thawed],
  ] as const;
  for (const [target, type, listener] of pairs) target?.addEventListener?.(type, listener);
  return () => {
    for (const [target, type, listener] of pairs) target?.removeEventListener?.(type, listener);
  };
}

/**
 * Calls back when there is reason to believe that the network is back (`isOnline`), or somebody looks: gives back what ends it.
 */
export function onWake(listener: (isOnline: boolean) => void): () => void {
  const globals = globalThis as Globals;
  const { document } = globals;
  const looked = (): void => listener(false);
  const visible = (): void => {
    if (document?.visibilityState === "visible") listener(false);
  };
  const pairs = [
    [document, "visibilitychange", visible],
    // A page that was frozen, or comes out of the back/forward cache.
    [document, "resume", looked],
    [globals, "pageshow", looked],
    [globals, "online", () => listener(true)],
  ] as const;
  for (const [target, type, told] of pairs) target?.addEventListener?.(type, told);
  return () => {
    for (const [target, type, told] of pairs) target?.removeEventListener?.(type, told);
  };
}
