import { type ReactElement, useEffect, useState } from "react";
import { secondsText } from "../units.ts";
import { clockText } from "./text.ts";
import type { HubView, Trouble } from "./use-hub.ts";

const UNREADY: Readonly<Record<string, string>> = {
  draining: "Draining: on its way out",
  store_unavailable: "The store can't be reached",
  not_linked: "No gateway is linked",
};

/** How the hub is, in a word. */
export function HubBadge({ view }: { readonly view: HubView }): ReactElement {
  const { tone, text } = toldOf(view);
  return (
    <span className="badge" data-tone={tone} data-hub={tone} role="status">
      {text}
    </span>
  );
}

function toldOf({ watched, trouble, isPaused }: HubView): { readonly tone: string; readonly text: string } {
  if (trouble !== null) return { tone: "bad", text: "No answer" };
  if (watched === null) return { tone: "busy", text: "Asking the hub" };
  if (isPaused) return { tone: "idle", text: "Paused" };
  const { unready } = watched.latest;
  if (unready === null) return { tone: "good", text: "Live" };
  return { tone: "warn", text: UNREADY[unready] ?? `Not ready: ${unready}` };
}

/** That the hub does not answer, since when, and that what stands below is old. */
export function TroubleNote({
  trouble,
  lastMs,
}: {
  readonly trouble: Trouble;
  /** Unix milliseconds of its last answer; null: there was none. */
  readonly lastMs: number | null;
}): ReactElement {
  const [nowMs, setNowMs] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  const forSeconds = (nowMs - trouble.sinceMs) / 1_000;
  return (
    <div className="problem trouble">
      <p>
        <strong>
          The hub has not answered since {clockText(trouble.sinceMs)} ({secondsText(forSeconds)}):{" "}
          {trouble.what}.
        </strong>{" "}
        It is asked again every two seconds.
        {lastMs !== null && <> What stands below is from {clockText(lastMs)}.</>}
      </p>
      <p className="muted">If it lasts: is it running, and is this the address of its internal listener?</p>
    </div>
  );
}
