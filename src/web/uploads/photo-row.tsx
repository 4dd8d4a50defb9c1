import { memo, type ReactElement } from "react";
import { usePhoto } from "../../client/react/index.ts";
import { Bar } from "./bar.tsx";
import { photoStatus } from "./text.ts";

interface PhotoRowProps {
  readonly jobId: string;
  readonly photoId: string;
  /** In a list of which only a part is rows; absent: they are all there. */
  readonly place?: { readonly topPx: number; readonly number: number; readonly count: number };
}

/** Rendered again when its photo changes, or its place, and not for others. */
export const PhotoRow = memo(
  function PhotoRow({ jobId, photoId, place }: PhotoRowProps): ReactElement | null {
    const photo = usePhoto(photoId, jobId);
    if (photo === null) return null;
    const name = photo.fileName ?? photoId;
    const { tone, text } = photoStatus(photo);
    return (
      <li
        className="photo"
        data-photo={photoId}
        data-status={photo.status}
        data-progress={photo.progress ?? ""}
        {...(place !== undefined && {
          style: { transform: `translateY(${place.topPx}px)` },
          "aria-posinset": place.number,
          "aria-setsize": place.count,
        })}
      >
        <span className="name" title={name}>
          {name}
        </span>
        <span className="state" data-tone={tone}>
          {text}
        </span>
        <Bar progress={photo.progress} tone={tone} label={name} text={text} isMoving={!photo.hasEnded} />
      </li>
    );
  },
  (before, after) =>
    before.jobId === after.jobId &&
    before.photoId === after.photoId &&
    before.place?.topPx === after.place?.topPx &&
    before.place?.count === after.place?.count,
);
