import { nextJobDeadline, nextPhotoDeadline, photoLapse } from "../domain/deadlines.ts";
import type { Draft } from "../domain/draft.ts";
import { type DomainEvent, isPhotoEvent } from "../domain/events.ts";
import { applyEvent, expirePhoto, failOpenPhotos, stallPhoto } from "../domain/job.ts";
import { endStatusOf, isEndShown, isJobNews, jobViewOf } from "../domain/job-view.ts";
import { dueOf, type Photo } from "../domain/photo-view.ts";
import type { Rules } from "../domain/rules.ts";
import { earliest } from "./agenda.ts";
import { showAtMs } from "./conflation.ts";
import type { Rejection } from "./contract.ts";
import { FewSet } from "./few-set.ts";
import type { Lane, Told, Work } from "./lane.ts";
import { type Now, showJob, showPhoto } from "./shower.ts";
import type { Unstamped } from "./store.ts";

export interface TurnOptions {
  readonly rules: Rules;
  readonly maxPhotosPerJob: number;
  readonly maxOpenPhotos: number;
  /** Least time between two messages of a photo, of a job; 0: every change is shown. */
  readonly photoIntervalMs: number;
  readonly jobIntervalMs: number;
}

/** What a piece of work finds. */
export interface Situation {
  readonly now: Now;
  /** Open photos of the whole hub, those of this draft as it was among them. */
  readonly openPhotos: number;
  /** Knows which states are held back already. */
  readonly lane: Pick<Lane, "holds">;
}

/** States that wait for their interval; photoId null: the job's own. */
interface HeldBack {
  readonly photoId: string | null;
  readonly atMs: number;
}

/** What a piece of work did to a draft. */
export interface Turn {
  readonly messages: readonly Unstamped[];
  readonly held: readonly HeldBack[];
  /** When silence may change something next, or a little before; null: never. */
  readonly lookAtMs: number | null;
  /** That, or when the first of `held` may be shown. */
  readonly nextAtMs: number | null;
  /** By telling, in their order. */
  readonly told: readonly Told[];
  /** False: there is nothing to commit. */
  readonly isChanged: boolean;
  /** Events that told of more bytes than there are. */
  readonly anomalies: number;
}

/** Looks at the photos of one job are so far apart at least, since each goes over all of them. */
const LOOK_EVERY_MS = 100;

/** Merges what was told, does what silence has done, and shows what is due: changes the draft, and nothing else. */
export function takeTurn(draft: Draft, work: Work, situation: Situation, options: TurnOptions): Turn {
  const turn = new DraftTurn(draft, situation, options);
  const told = work.tellings.map(({ placed }) => {
    const unchangedAt: number[] = [];
    const rejected: Rejection[] = [];
    for (const { index, event } of placed) {
      const refused = turn.refusalOf(event);
      if (refused !== null) rejected.push({ index, id: event.id, ...refused });
      else if (!turn.hear(event)) unchangedAt.push(index);
    }
    return { unchangedAt, rejected };
  });
  for (const photoId of work.ripe) turn.ripen(photoId);
  if (work.isLook) turn.look();
  return turn.end(work.isLook, told);
}

class DraftTurn {
  readonly #draft: Draft;
  readonly #now: Now;
  readonly #situation: Situation;
  readonly #options: TurnOptions;
  readonly #activeBefore: number;
  readonly #touched = new FewSet<Photo>();
  /** Of the touched, those that silence has changed and no event; null: none, as in nearly all turns. */
  #lapsed: Set<Photo> | null = null;
  readonly #messages: Unstamped[] = [];
  readonly #held: HeldBack[] = [];
  #heard = 0;
  #anomalies = 0;
  #isRipe = false;

  constructor(draft: Draft, situation: Situation, options: TurnOptions) {
    this.#draft = draft;
    this.#now = situation.now;
    this.#situation = situation;
    this.#options = options;
    this.#activeBefore = draft.tally.active;
  }

  /** null: there is room for the event. */
  refusalOf(event: DomainEvent): Pick<Rejection, "code" | "message"> | null {
    if (!isPhotoEvent(event) || this.#draft.photos.has(event.photoId)) return null;
    const { maxPhotosPerJob, maxOpenPhotos } = this.#options;
    if (this.#draft.photos.size >= maxPhotosPerJob) {
      return { code: "too_many_photos", message: `a job holds at most ${maxPhotosPerJob} photos` };
    }
    if (this.#situation.openPhotos + this.#draft.tally.active - this.#activeBefore >= maxOpenPhotos) {
      return { code: "overloaded", message: `the hub holds at most ${maxOpenPhotos} open photos` };
    }
    return null;
  }

  /** False: the event told nothing new. What begins a job always does. */
  hear(event: DomainEvent): boolean {
    const isFirst = this.#draft.version === 0 && this.#heard === 0;
    this.#heard += 1;
    const { changed, touched, anomaly } = applyEvent(this.#draft, event, this.#now.monotonicMs);
    if (anomaly) this.#anomalies += 1;
    for (const photo of touched) {
      this.#touched.add(photo);
      this.#lapsed?.delete(photo);
    }
    return changed || isFirst;
  }

  ripen(photoId: string | null): void {
    this.#isRipe = true;
    const photo = photoId === null ? undefined : this.#draft.photos.get(photoId);
    if (photo !== undefined) this.#touched.add(photo);
  }

  look(): void {
    const { rules } = this.#options;
    for (const photo of this.#draft.photos.values()) {
      const lapse = photoLapse(photo, this.#now.monotonicMs, rules);
      // What a process that is gone had merged and not shown.
      const isOwed = dueOf(photo) !== null && !this.#situation.lane.holds(photo.photoId);
      if (lapse === null && !isOwed) continue;
      const own = this.#draft.photos.get(photo.photoId);
      if (own === undefined) continue;
      if (lapse === "stalled") stallPhoto(own);
      if (lapse === "expired") expirePhoto(this.#draft, own, this.#now.monotonicMs);
      if (!this.#touched.has(own)) this.#lapse(own);
      this.#touched.add(own);
    }
  }

  end(isLook: boolean, told: readonly Told[]): Turn {
    const draft = this.#draft;
    const isBegun = draft.version > 0 || this.#heard > 0;
    if (isBegun) {
      for (const photo of this.#touched) this.#showPhoto(photo);
      const endsAtMs = nextJobDeadline(draft, this.#options.rules);
      if (endsAtMs !== null && endsAtMs <= this.#now.monotonicMs) this.#endJob();
      this.#showJob();
    }
    const lookAtMs = isBegun ? this.#lookAtMs(isLook) : null;
    return {
      told,
      messages: this.#messages,
      held: this.#held,
      lookAtMs,
      nextAtMs: this.#held.reduce<number | null>((atMs, held) => earliest(atMs, held.atMs), lookAtMs),
      isChanged: this.#heard > 0 || this.#messages.length > 0 || (this.#lapsed?.size ?? 0) > 0,
      anomalies: this.#anomalies,
    };
  }

  #lapse(photo: Photo): void {
    this.#lapsed ??= new Set();
    this.#lapsed.add(photo);
  }

  #endJob(): void {
    const nowMs = this.#now.monotonicMs;
    for (const photo of failOpenPhotos(this.#draft, nowMs)) {
      this.#lapse(photo);
      this.#showPhoto(photo);
    }
    this.#draft.ended = { status: endStatusOf(this.#draft), atMs: nowMs };
  }

  #showPhoto(photo: Photo): void {
    const due = dueOf(photo);
    if (due === null) return;
    const lastAtMs = photo.shown?.lastAtMs ?? null;
    const atMs = showAtMs(due.urgent, lastAtMs, this.#options.photoIntervalMs, this.#now.monotonicMs);
    if (atMs > this.#now.monotonicMs) {
      this.#held.push({ photoId: photo.photoId, atMs });
      return;
    }
    const eventAtMs = this.#lapsed?.has(photo) ? 0 : photo.lastEventAtMs;
    showPhoto(this.#draft, photo, due, this.#now, eventAtMs, this.#messages);
  }

  #showJob(): void {
    const draft = this.#draft;
    if (draft.shown !== null && isEndShown(draft.shown.view)) return;
    const view = jobViewOf(draft);
    if (draft.shown !== null && !isJobNews(draft.shown.view, view)) return;
    const lastAtMs = draft.shown?.lastAtMs ?? null;
    const atMs = showAtMs(isEndShown(view), lastAtMs, this.#options.jobIntervalMs, this.#now.monotonicMs);
    if (atMs > this.#now.monotonicMs) {
      this.#held.push({ photoId: null, atMs });
      return;
    }
    const eventAtMs = this.#heard > 0 || this.#isRipe ? draft.lastEventAtMs : 0;
    this.#messages.push(showJob(draft, view, this.#now, eventAtMs));
  }

  /** After a look the nearest of all; else of what moved, since what was queued before comes early at worst. */
  #lookAtMs(isLook: boolean): number | null {
    const { rules } = this.#options;
    let photosAtMs: number | null = null;
    for (const photo of isLook ? this.#draft.photos.values() : this.#draft.photos.own()) {
      photosAtMs = earliest(photosAtMs, nextPhotoDeadline(photo, rules));
    }
    if (isLook && photosAtMs !== null) {
      photosAtMs = Math.max(photosAtMs, this.#now.monotonicMs + LOOK_EVERY_MS);
    }
    return earliest(photosAtMs, nextJobDeadline(this.#draft, rules));
  }
}
