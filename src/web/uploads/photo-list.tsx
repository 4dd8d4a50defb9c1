import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactElement, useRef, useState } from "react";
import type { Job, Photo, ProgressStore } from "../../client/index.ts";
import { useJob, usePhotoIds, useProgress } from "../../client/react/index.ts";
import { PhotoRow } from "./photo-row.tsx";

type Which = "all" | "active" | "done" | "lost";

/** More than a person looks through: only those in sight are rows, and first those under way. */
const MANY = 60;
const ROW_PX = 52;

const isOf: Readonly<Record<Which, (photo: Photo) => boolean>> = {
  all: () => true,
  active: ({ hasEnded }) => !hasEnded,
  done: ({ status }) => status === "COMPLETED",
  lost: ({ status }) => status === "FAILED" || status === "CANCELLED",
};

export function PhotoList({
  jobId,
  label,
}: {
  readonly jobId: string;
  readonly label: string;
}): ReactElement {
  const { store } = useProgress();
  const job = useJob(jobId);
  const photoIds = usePhotoIds(jobId);
  // null: nobody has chosen.
  const [chosen, setChosen] = useState<Which | null>(null);
  const isMany = photoIds.length > MANY;
  const which = chosen ?? (isMany && job?.hasEnded === false ? "active" : "all");
  const shown = which === "all" ? photoIds : photoIds.filter(fits(store, jobId, which));
  return (
    <>
      {isMany && <Choice which={which} job={job} known={photoIds.length} onChoose={setChosen} />}
      {shown.length > MANY ? (
        <LongList jobId={jobId} photoIds={shown} label={label} />
      ) : (
        <ul className="photos" aria-label={label}>
          {shown.map((photoId) => (
            <PhotoRow key={photoId} jobId={jobId} photoId={photoId} />
          ))}
        </ul>
      )}
    </>
  );
}

function fits(store: ProgressStore, jobId: string, which: Which): (photoId: string) => boolean {
  return (photoId) => {
    const photo = store.photo(jobId, photoId);
    return photo !== null && isOf[which](photo);
  };
}

interface ChoiceProps {
  readonly which: Which;
  readonly job: Job | null;
  readonly known: number;
  readonly onChoose: (which: Which) => void;
}

function Choice({ which, job, known, onChoose }: ChoiceProps): ReactElement {
  const { active = 0, completed = 0, failed = 0, cancelled = 0 } = job?.photos ?? {};
  const choices: readonly (readonly [Which, string, number])[] = [
    ["active", "Under way", active],
    ["done", "Done", completed],
    ["lost", "Failed or cancelled", failed + cancelled],
    ["all", "All", known],
  ];
  return (
    <fieldset className="choice">
      <legend className="sr-only">Which photos</legend>
      {choices.map(([name, text, count]) => (
        <button key={name} type="button" aria-pressed={which === name} onClick={() => onChoose(name)}>
          {text} <b>{count.toLocaleString("en")}</b>
        </button>
      ))}
    </fieldset>
  );
}

interface LongListProps {
  readonly jobId: string;
  readonly photoIds: readonly string[];
  readonly label: string;
}

/** Rows for what is in sight alone. */
function LongList({ jobId, photoIds, label }: LongListProps): ReactElement {
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: photoIds.length,
    estimateSize: () => ROW_PX,
    getScrollElement: () => scroller.current,
    overscan: 6,
  });
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard (WCAG 2.1.1)
    <section ref={scroller} className="long" tabIndex={0} aria-label={label}>
      <ul className="photos" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ index, start }) => {
          const photoId = photoIds[index] ?? "";
          return (
            <PhotoRow
              key={photoId}
              jobId={jobId}
              photoId={photoId}
              place={{ topPx: start, number: index + 1, count: photoIds.length }}
            />
          );
        })}
      </ul>
    </section>
  );
}
