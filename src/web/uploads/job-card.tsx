import { memo, type ReactElement, useId, useState } from "react";
import { useJob } from "../../client/react/index.ts";
import { Bar } from "./bar.tsx";
import { PhotoList } from "./photo-list.tsx";
import { jobDetails, jobStatus, percentText } from "./text.ts";

/** A job: how far it is, and its photos, which close by themselves when all has gone well. */
export const JobCard = memo(function JobCard({ jobId }: { readonly jobId: string }): ReactElement {
  const job = useJob(jobId);
  const id = useId();
  // null: nobody has opened or closed it.
  const [chosen, setChosen] = useState<boolean | null>(null);
  const title = job?.title ?? jobId;
  const isOpen = chosen ?? (job === null || !job.hasEnded || job.status !== "COMPLETED");
  const status = job === null ? null : jobStatus(job);
  const far = job === null || job.progress === null ? null : percentText(job.progress);
  return (
    <li className="card job" data-job={jobId} data-status={job?.status ?? "UNKNOWN"}>
      <div className="job-head">
        <h2 id={id}>{title}</h2>
        {status !== null && (
          <span className="badge" data-tone={status.tone}>
            {status.text}
          </span>
        )}
        <span className="percent">{job?.hasEnded === true ? "" : far}</span>
      </div>
      {job !== null && status !== null && (
        <>
          <Bar
            progress={job.progress}
            tone={status.tone}
            label={title}
            text={`${status.text}, ${far ?? "size unknown"}`}
            isMoving={!job.hasEnded}
          />
          <p className="muted details">{jobDetails(job)}</p>
        </>
      )}
      <button
        type="button"
        className="quiet toggle"
        aria-expanded={isOpen}
        aria-controls={`${id}-photos`}
        onClick={() => setChosen(!isOpen)}
      >
        {isOpen ? "Hide photos" : "Show photos"}
      </button>
      <div id={`${id}-photos`} hidden={!isOpen}>
        {isOpen && <PhotoList jobId={jobId} label={`Photos of ${title}`} />}
      </div>
    </li>
  );
});
