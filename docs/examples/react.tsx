import { connect } from "progress-hub/client";
import { ProgressProvider, useConnection, useJob, useJobIds } from "progress-hub/react";
import { createRoot } from "react-dom/client";

const fetchToken = async () => (await fetch("/token")).text();
const progress = connect({ url: "https://hub.example.com", token: fetchToken });

function Uploads() {
  const { phase } = useConnection();
  const bars = useJobIds().map((jobId) => <JobBar key={jobId} jobId={jobId} />);
  return <main data-phase={phase}>{bars}</main>;
}

function JobBar({ jobId }: { jobId: string }) {
  const job = useJob(jobId);
  if (job === null) return null;
  const { title, progress, photos, status } = job;
  return (
    <p>
      <progress max={100} value={progress ?? undefined} /> {title ?? jobId}: {photos.completed} of{" "}
      {photos.total} photos, {status}
    </p>
  );
}

createRoot(document.body.appendChild(document.createElement("div"))).render(
  <ProgressProvider progress={progress}>
    <Uploads />
  </ProgressProvider>,
);
