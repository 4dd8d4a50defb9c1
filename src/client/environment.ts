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

/** Calls back when there is reason to believe that the network is back, or somebody looks: gives back what ends it. */
export function onWake(listener: () => void): () => void {
  const globals = globalThis as Globals;
  const { document } = globals;
  const visible = (): void => {
    if (document?.visibilityState === "visible") listener();
  };
  document?.addEventListener("visibilitychange", visible);
  // A page that was frozen, or comes out of the back/forward cache.
  document?.addEventListener("resume", listener);
  globals.addEventListener?.("online", listener);
  globals.addEventListener?.("pageshow", listener);
  return () => {
    document?.removeEventListener("visibilitychange", visible);
    document?.removeEventListener("resume", listener);
    globals.removeEventListener?.("online", listener);
    globals.removeEventListener?.("pageshow", listener);
  };
}
