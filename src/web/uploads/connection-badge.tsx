import { type ReactElement, useEffect, useState } from "react";
import { useConnection } from "../../client/react/index.ts";
import { connectionStatus } from "./text.ts";

/** How the connection is, with a countdown while it waits to come back. */
export function ConnectionBadge(): ReactElement {
  const state = useConnection();
  const { retryAtMs } = state;
  const [nowMs, setNowMs] = useState(Date.now);
  useEffect(() => {
    if (retryAtMs === null) return;
    const tick = (): void => setNowMs(Date.now());
    tick();
    const timer = setInterval(tick, 250);
    return () => clearInterval(timer);
  }, [retryAtMs]);
  const { tone, text } = connectionStatus(state, retryAtMs === null ? null : Math.max(0, retryAtMs - nowMs));
  return (
    <span
      className="badge"
      data-tone={tone}
      data-phase={state.phase}
      data-transport={state.transport ?? "none"}
      title={state.reason === null ? undefined : `Last problem: ${state.reason}`}
    >
      {text}
      {state.phase === "resuming" && state.reason !== null && (
        <span className="sr-only">, last problem: {state.reason}</span>
      )}
    </span>
  );
}
