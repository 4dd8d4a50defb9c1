import { type ReactElement, useCallback, useEffect, useState } from "react";
import { Frame } from "../frame.tsx";
import { SignIn } from "../sign-in.tsx";
import { type AdminToken, devToken, findToken, forget, pasted } from "./credentials.ts";
import { Dashboard } from "./dashboard.tsx";
import { HubBadge, TroubleNote } from "./hub-badge.tsx";
import { useHub } from "./use-hub.ts";

const TITLE = "Operations";

/** Signs in, and shows the hub as it is. */
export function App(): ReactElement {
  // null: nobody is signed in; undefined: not known yet.
  const [admin, setAdmin] = useState<AdminToken | null | undefined>(undefined);
  const [problem, setProblem] = useState<string | null>(null);

  useEffect(() => {
    findToken().then(setAdmin, () => setAdmin(null));
  }, []);

  const onRefused = useCallback(
    async (reason: string) => {
      forget();
      // A hub of --dev makes another secret at each start.
      const next = admin?.kind === "dev" ? await devToken().catch(() => null) : null;
      setAdmin(next !== null && next.token !== admin?.token ? next : null);
      setProblem(reason);
    },
    [admin],
  );
  const signIn = useCallback((token: string) => {
    setProblem(null);
    setAdmin(pasted(token));
  }, []);
  const signOut = useCallback(() => {
    forget();
    setProblem(null);
    setAdmin(null);
  }, []);

  if (admin === undefined) return <Frame title={TITLE} />;
  if (admin === null) {
    return (
      <Frame title={TITLE}>
        <SignIn
          what="Admin token"
          hint={
            <>
              One of <code>--admin-token</code>, which the hub was started with. It stays in this tab.
            </>
          }
          problem={problem}
          onToken={signIn}
        />
      </Frame>
    );
  }
  return <Hub key={admin.token} admin={admin} onRefused={onRefused} onSignOut={signOut} />;
}

interface HubProps {
  readonly admin: AdminToken;
  readonly onRefused: (reason: string) => void;
  readonly onSignOut: () => void;
}

function Hub({ admin, onRefused, onSignOut }: HubProps): ReactElement {
  const view = useHub(admin.token, onRefused);
  const { watched, trouble } = view;
  return (
    <Frame
      title={TITLE}
      bar={
        <>
          <HubBadge view={view} />
          {admin.kind === "pasted" && (
            <button type="button" className="quiet last" onClick={onSignOut}>
              Sign out
            </button>
          )}
        </>
      }
    >
      <h1 className="sr-only">Operations of progress-hub</h1>
      {trouble !== null && <TroubleNote trouble={trouble} lastMs={watched?.latest.unixMs ?? null} />}
      {watched !== null && <Dashboard watched={watched} isOld={trouble !== null} />}
      {watched === null && trouble === null && <p className="empty muted">Asking the hub…</p>}
    </Frame>
  );
}
