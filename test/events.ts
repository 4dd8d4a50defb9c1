import type {
  DomainEvent,
  JobCancelled,
  JobCompleted,
  JobCreated,
  PhotoCancelled,
  PhotoCompleted,
  PhotoFailed,
  PhotoProgressed,
  PhotoStarted,
} from "../src/domain/events.ts";

let count = 0;

function base(jobId: string, userId: string | null) {
  count += 1;
  return { source: "/test", id: `e${count}`, jobId, userId, scope: "bound" } as const;
}

type Extra<Event> = Partial<Omit<Event, "type">>;

/** Domain events of user `u`, job `j` and photo `p` unless said otherwise; each with an id of its own. */
export const event = {
  created: (extra: Extra<JobCreated> = {}): JobCreated => ({
    ...base("j", "u"),
    photoCount: null,
    totalBytes: null,
    title: null,
    ...extra,
    type: "uploadjob.created",
  }),
  jobCompleted: (extra: Extra<JobCompleted> = {}): JobCompleted => ({
    ...base("j", "u"),
    photoCount: null,
    ...extra,
    type: "uploadjob.completed",
  }),
  jobCancelled: (extra: Extra<JobCancelled> = {}): JobCancelled => ({
    ...base("j", "u"),
    ...extra,
    type: "uploadjob.cancelled",
  }),
  started: (extra: Extra<PhotoStarted> = {}): PhotoStarted => ({
    ...base("j", "u"),
    photoId: "p",
    attempt: null,
    totalBytes: 1000,
    fileName: null,
    ...extra,
    type: "photo.upload.started",
  }),
  progressed: (bytesTransferred: number, extra: Extra<PhotoProgressed> = {}): PhotoProgressed => ({
    ...base("j", "u"),
    photoId: "p",
    attempt: null,
    totalBytes: 1000,
    ...extra,
    bytesTransferred,
    type: "photo.upload.progressed",
  }),
  completed: (extra: Extra<PhotoCompleted> = {}): PhotoCompleted => ({
    ...base("j", "u"),
    photoId: "p",
    attempt: null,
    totalBytes: 1000,
    ...extra,
    type: "photo.upload.completed",
  }),
  failed: (extra: Extra<PhotoFailed> = {}): PhotoFailed => ({
    ...base("j", "u"),
    photoId: "p",
    attempt: null,
    error: { code: "network", message: "lost" },
    ...extra,
    type: "photo.upload.failed",
  }),
  cancelled: (extra: Extra<PhotoCancelled> = {}): PhotoCancelled => ({
    ...base("j", "u"),
    photoId: "p",
    attempt: null,
    ...extra,
    type: "photo.upload.cancelled",
  }),
} satisfies Record<string, (...args: never[]) => DomainEvent>;
