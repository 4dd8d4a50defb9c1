import { type ReactElement, useCallback, useEffect, useState } from "react";
import { connect, type Progress, ProgressStore, type TransportName } from "../../client/index.ts";
import { ProgressProvider, useConnection, useJobIds } from "../../client/react/index.ts";
import { Frame } from "../frame.tsx";
import { SignIn } from "../sign-in.tsx";
import { Announcer } from "./announcer.tsx";
import { ConnectionBadge } from "./connection-badge.tsx";
import { type Credentials, findCredentials, forget, pasted, takeLinked } from "./credentials.ts";
import { DevBar } from "./dev-bar.tsx";
import { JobCard } from "./job-card.tsx";
import { isOfToken, reasonText } from "./text.ts";
import { TransportChoice } from "./transport-choice.tsx";

const store = new ProgressStore();
/** Whose jobs are in it; null: nobody's. */
let shownKey: string | null = null;

/** Nobody sees what was somebody else's. */
function showFor(key: string | null): void {
  if (shownKey !== key) store.clear();
  shownKey = key;
}

/** Signs in, connects, and shows the user's jobs; what was shown stays while the way to the hub or the token changes. */
export function App(): ReactElement {
  // null: nobody is signed in; undefined: not known yet.
  const [credentials, setCredentials] = useState<Credentials | null | undefined>(undefined);
  const [only, setOnly] = useState<TransportName | null>(null);
  const [progress, setProgress] = useState<Progress | null>(null);
  // Each is a connection of its own.
  const [tries, setTries] = useState(0);

  useEffect(() => {
    findCredentials().then(setCredentials, () => setCredentials(null));
    const follow = (): void => {
      const linked = takeLinked();
      if (linked !== null) setCredentials(linked);
    };
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another try is another connection
  useEffect(() => {
    if (credentials === null || credentials === undefined) return;
    const { key, token } = credentials;
    showFor(key);
    const made = connect({
      ...{ url: location.origin, token, store, share: key },
      ...(only !== null && { transports: [only] }),
    });
    setProgress(made);
    return () => made.close();
  }, [credentials, only, tries]);

  const signIn = useCallback((token: string) => setCredentials(pasted(token)), []);
  const again = useCallback(() => setTries((before) => before + 1), []);
  const signOut = useCallback(() => {
    forget();
    showFor(null);
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
        <h1 className="sr-only">Uploads of {credentials.userId}</h1>
        <Closed onToken={signIn} onAgain={again} />
        <SixTabs />
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

/** Where tabs can't share a connection, since there is neither TLS nor `localhost`. */
function SixTabs(): ReactElement | null {
  const { transport } = useConnection();
  if (navigator.locks !== undefined || (transport !== "sse" && transport !== "polling")) return null;
  return (
    <p className="problem again">
      Over plain HTTP a browser opens six connections to a server, and each tab of this page takes one: with
      more than five such tabs it seems to hang.
    </p>
  );
}

interface ClosedProps {
  readonly onToken: (token: string) => void;
  readonly onAgain: () => void;
}

/** What to do where the connection is closed for good; the bars stay as they were. */
function Closed({ onToken, onAgain }: ClosedProps): ReactElement | null {
  const { phase, reason } = useConnection();
  // Another connection takes the place of one that was closed from here.
  if (phase !== "closed" || reason === "closed") return null;
  if (isOfToken(reason)) return <TokenForm problem={`${reasonText(reason)}.`} onToken={onToken} />;
  return (
    <p className="problem again" role="alert">
      {reasonText(reason)}.{" "}
      <button type="button" onClick={onAgain}>
        Connect again
      </button>
    </p>
  );
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
