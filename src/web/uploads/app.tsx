import { type ReactElement, useCallback, useEffect, useState } from "react";
import { connect, type Progress, ProgressStore, type TransportName } from "../../client/index.ts";
import { ProgressProvider, useConnection, useJobIds } from "../../client/react/index.ts";
import { Frame } from "../frame.tsx";
import { SignIn } from "../sign-in.tsx";
import { Announcer } from "./announcer.tsx";
import { ConnectionBadge } from "./connection-badge.tsx";
import { type Credentials, findCredentials, forget, pasted } from "./credentials.ts";
import { DevBar } from "./dev-bar.tsx";
import { JobCard } from "./job-card.tsx";
import { reasonText } from "./text.ts";
import { TransportChoice } from "./transport-choice.tsx";

const store = new ProgressStore();

/** Signs in, connects, and shows the user's jobs; what was shown stays while the way to the hub or the token changes. */
export function App(): ReactElement {
  // null: nobody is signed in; undefined: not known yet.
  const [credentials, setCredentials] = useState<Credentials | null | undefined>(undefined);
  const [only, setOnly] = useState<TransportName | null>(null);
  const [progress, setProgress] = useState<Progress | null>(null);

  useEffect(() => {
    findCredentials().then(setCredentials, () => setCredentials(null));
  }, []);

  useEffect(() => {
    if (credentials === null || credentials === undefined) return;
    const made = connect({
      ...{ url: location.origin, token: credentials.token, store, share: true },
      ...(only !== null && { transports: [only] }),
    });
    setProgress(made);
    return () => made.close();
  }, [credentials, only]);

  const signIn = useCallback((token: string) => {
    const next = pasted(token);
    setCredentials((before) => {
      if (before?.userId !== next.userId) store.clear();
      return next;
    });
  }, []);
  const signOut = useCallback(() => {
    forget();
    store.clear();
    setProgress(null);
    setCredentials(null);
  }, []);

  if (credentials === undefined) return <Frame title="Uploads" />;
  if (credentials === null || progress === null) {
    return (
      <Frame title="Uploads">{credentials === null && <TokenForm problem={null} onToken={signIn} />}</Frame>
    );
  }
  return (
    <ProgressProvider progress={progress}>
      <Frame
        title="Uploads"
        bar={
          <>
            <ConnectionBadge />
            <span className="grow" />
            <TransportChoice only={only} onChoose={setOnly} />
            <span className="user" title={`Signed in as ${credentials.userId}`}>
              {credentials.userId}
            </span>
            {credentials.kind === "pasted" && (
              <button type="button" className="quiet" onClick={signOut}>
                Sign out
              </button>
            )}
          </>
        }
      >
        <Closed onToken={signIn} />
        {credentials.kind === "dev" && <DevBar token={credentials.token} />}
        <Jobs />
        <Announcer />
      </Frame>
    </ProgressProvider>
  );
}

function TokenForm({
  problem,
  onToken,
}: {
  readonly problem: string | null;
  readonly onToken: (token: string) => void;
}): ReactElement {
  return (
    <SignIn
      what="Token (JWT)"
      hint={
        <>
          One of the user whose uploads you want to see. For development:{" "}
          <code>progress-hub token --user alice</code>
        </>
      }
      problem={problem}
      onToken={onToken}
    />
  );
}

/** Asks for another token where the connection is closed for good; the bars stay as they were. */
function Closed({ onToken }: { readonly onToken: (token: string) => void }): ReactElement | null {
  const { phase, reason } = useConnection();
  // Another connection takes the place of one that was closed from here.
  if (phase !== "closed" || reason === "closed") return null;
  return <TokenForm problem={`${reasonText(reason)}.`} onToken={onToken} />;
}

function Jobs(): ReactElement {
  const jobIds = useJobIds();
  const { phase } = useConnection();
  if (jobIds.length === 0) {
    const isKnown = phase === "live" || phase === "polling";
    return (
      <p className="empty muted">
        {isKnown ? "No uploads. They appear here by themselves as soon as one begins." : "Loading…"}
      </p>
    );
  }
  return (
    <ul className="jobs" aria-label="Upload jobs">
      {jobIds.toReversed().map((jobId) => (
        <JobCard key={jobId} jobId={jobId} />
      ))}
    </ul>
  );
}
