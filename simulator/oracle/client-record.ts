import { contradictionIn } from "./contract.ts";
import type { Findings } from "./findings.ts";
import { Order } from "./order.ts";

export type ClientKind =
  | "socketio"
  | "socketio-websocket"
  | "socketio-polling"
  | "websocket"
  | "sse"
  | "polling";

/** A time when a client lost the connection it had. */
interface Disconnect {
  readonly atMs: number;
  readonly reason: string;
  /** True: this connection had been sent `reconnect` before. */
  readonly warned: boolean;
}

/** A photo or job message, as far as the oracle looks into it. */
export interface Shown {
  readonly type: string;
  readonly id: string;
  readonly jobId: string;
  /** Absent: a job message. */
  readonly photoId?: string;
  readonly status: string;
  readonly progress: number | null;
  /** When the hub made it. */
  readonly timestamp?: string;
  readonly attempt?: number;
  readonly bytesTransferred?: number;
  readonly totalBytes?: number | null;
  readonly error?: { readonly code: string };
  /** True: nothing came for a while, which the message tells and no event does. */
  readonly stalled?: boolean;
  readonly totalsVersion?: number;
  readonly photos?: Readonly<Record<"total" | "completed" | "failed" | "cancelled" | "active", number>>;
}

export interface RecordOptions {
  readonly name: string;
  readonly kind: ClientKind;
  readonly userId: string;
  /** Absent: all of the user's. */
  readonly jobId?: string;
  readonly findings: Findings;
  /** null: a job nobody ever published anything for. */
  readonly ownerOf: (jobId: string) => string | null;
  /** False: an id of another epoch begins a new story, in which a state may be shown again. */
  readonly stateSurvivesCore: boolean;
  /** True: another epoch begins with a snapshot, which tells again what was told; absent: numbers go on rising. */
  readonly epochsRetell?: boolean;
  /** Of an id: what it was of first. An id that is of something else later was used again. */
  readonly firstOf?: (id: string, key: string) => string;
  /** The standing that another epoch must tell again, if it was told; null, and absent: whatever it was. */
  readonly keptOf?: (key: string) => number | null;
  /** Told of each message; `isLive`: it is not part of what one is told that comes back. */
  readonly onShown?: (message: Shown, key: string, isLive: boolean) => void;
}

/** Of what makes no sense. */
const MAX_SHOWN = 200;

interface Standing {
  readonly standing: number;
  readonly progress: number;
  readonly bytes: number;
  /** Of a job: its percent may fall where this rises. */
  readonly totalsVersion: number;
}

/** What one client has seen in its life, all its connections; what breaks a rule goes to the findings at once. */
export class ClientRecord {
  readonly name: string;
  readonly kind: ClientKind;
  readonly userId: string;
  /** The one it asks for; null: all of the user's. */
  readonly jobId: string | null;
  readonly disconnects: Disconnect[] = [];
  /** Refusals and errors that cost no connection. */
  readonly problems: string[] = [];
  /** Of the last `synced`: `snapshot` or `resumed`; null: none yet, or the transport has no such message. */
  syncMode: string | null = null;
  /** Snapshots so far. */
  snapshots = 0;
  /** What a reconnect asks to go on from. */
  lastId: string | null = null;
  messages = 0;
  lastMessageAtMs = 0;
  /** Connected, and whole up to the head. */
  isSynced = false;
  /** Why it will never come back by itself; null: it does. */
  gaveUp: string | null = null;
  /** From the last `reconnect` message of this connection; null: there was none. */
  reconnectAfterMs: number | null = null;
  readonly #options: RecordOptions;
  #isOpen = false;
  #isLeaving = false;
  #epoch = "";
  readonly #epochs = new Set<string>();
  #seq = 0;
  /** Of the present epoch, by `keyOf`, with the progress of an upload. */
  readonly #standings = new Map<string, Standing>();
  /** Of the epochs before, where another one tells again. */
  readonly #told = new Map<string, Standing>();
  /** Of all epochs. */
  readonly #best = new Map<string, number>();
  readonly #order: Order;
  /** What a user would see: the last of each photo and job. */
  readonly #view = new Map<string, Shown>();
  /** Jobs and photos that were told of since the last `synced`, or since the connection began; of a photo its job, too. */
  #touched = new Set<string>();

  constructor(options: RecordOptions) {
    this.#options = options;
    this.name = options.name;
    this.kind = options.kind;
    this.userId = options.userId;
    this.jobId = options.jobId ?? null;
    this.#order = new Order((fault, what) => options.findings.add(fault, `${this.name} got ${what}`));
  }

  /** The highest standing it was ever shown of a photo or job; 0: nothing. */
  bestOf(key: string): number {
    return this.#best.get(key) ?? 0;
  }

  /** Photos that did not end before their job, a sentence each. */
  get unended(): readonly string[] {
    return this.#order.unended.map((what) => `${this.name} got ${what}`);
  }

  /** It asks for one job, and was shown that it is over: a stream of it may end. */
  get hasEnded(): boolean {
    return this.jobId !== null && this.#view.get(this.jobId)?.type === "job_completed";
  }

  /** It is owed and shows what is of this job. */
  isOf(jobId: string): boolean {
    return this.jobId === null || this.jobId === jobId;
  }

  /** The last of each photo (`jobId/photoId`) and job (`jobId`); after a snapshot without what is not in it. */
  get view(): ReadonlyMap<string, Shown> {
    return this.#view;
  }

  opened(): void {
    this.#isOpen = true;
    this.#touched = new Set();
    this.reconnectAfterMs = null;
  }

  /** The connection is gone; does nothing where there was none. */
  closed(reason: string): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.isSynced = false;
    if (this.#isLeaving || this.hasEnded) return;
    const warned = this.reconnectAfterMs !== null;
    this.disconnects.push({ atMs: performance.now(), reason, warned });
  }

  /** The test itself ends this client: what closes from now on was meant to. */
  leave(): void {
    this.#isLeaving = true;
  }

  /** A message of the hub as it came; one that is none is a finding. */
  takeText(text: string): void {
    try {
      this.take(JSON.parse(text));
    } catch {
      this.#malformed(text);
    }
  }

  #malformed(text: string): void {
    this.#options.findings.add("malformed", `${this.name} of ${this.userId} got ${text.slice(0, MAX_SHOWN)}`);
  }

  /** Any message of the hub, parsed. */
  take(parsed: unknown): void {
    if (isShown(parsed)) {
      this.#show(parsed);
      return;
    }
    const control = typeof parsed === "object" && parsed !== null ? parsed : {};
    if (!("type" in control)) {
      this.#malformed(JSON.stringify(parsed) ?? "nothing");
      return;
    }
    if (control.type === "synced") {
      this.syncMode = "mode" in control ? String(control.mode) : null;
      if (this.syncMode === "snapshot") {
        this.snapshots += 1;
        this.#forgetOthers();
      }
      this.#touched = new Set();
      this.synced("id" in control ? control.id : null);
    }
    if (control.type === "reconnect" && "afterMs" in control) {
      this.reconnectAfterMs = Number(control.afterMs);
    }
  }

  synced(headId: unknown): void {
    this.isSynced = true;
    this.#order.caughtUp();
    if (typeof headId !== "string") return;
    if (this.#advance(headId, "head of synced") >= 0) this.lastId = headId;
  }

  #show(message: Shown): void {
    const { findings, ownerOf } = this.#options;
    this.messages += 1;
    this.lastMessageAtMs = performance.now();
    const { id, jobId } = message;
    if (ownerOf(jobId) !== this.userId) {
      findings.add("foreign", `${this.name} of ${this.userId} got ${id} of ${jobId} of ${ownerOf(jobId)}`);
    }
    if (this.jobId !== null && jobId !== this.jobId) {
      findings.add(
        "foreign",
        `${this.name} of ${this.userId} asked for ${this.jobId}, and got ${id} of ${jobId}`,
      );
    }
    if (this.#advance(id, message.type) === 0) {
      findings.add("disordered", `${this.name} got ${id} again (${message.type} of ${keyOf(message)})`);
    }
    this.lastId = id;
    const key = keyOf(message);
    const standing = standingOf(message);
    const before = this.#standings.get(key);
    const contradiction = contradictionIn(message);
    if (contradiction !== null)
      findings.add("malformed", `${this.name} got ${id} of ${key}: ${contradiction}`);
    const { totalsVersion = 0, bytesTransferred: bytes = 0 } = message;
    // A job in which nothing is left to count (all of it cancelled, say) has fallen, and may begin anywhere again.
    const hasFallen = before !== undefined && totalsVersion > before.totalsVersion;
    const progress = message.progress ?? (hasFallen ? 0 : (before?.progress ?? 0));
    const now = { standing, progress, bytes, totalsVersion };
    const told = this.#told.get(key);
    // A snapshot tells a beginning before what became of it.
    const isBeginning = message.type === "upload_started";
    if (before !== undefined) this.#compare(before, now, message);
    if (told !== undefined && !isBeginning) {
      this.#compareToldAgain(told, now, message);
      this.#told.delete(key);
    }
    const first = this.#options.firstOf?.(id, key) ?? key;
    if (first !== key) findings.add("disordered", `${this.name} got ${id} of ${key}, which was of ${first}`);
    this.#standings.set(key, now);
    this.#best.set(key, Math.max(standing, this.bestOf(key)));
    this.#view.set(key, message);
    this.#touched.add(jobId).add(key);
    this.#order.shown(message, key, this.#view);
    this.#options.onShown?.(message, key, this.isSynced);
  }

  #forgetOthers(): void {
    for (const [key, { jobId }] of this.#view) {
      // All photos of a job under way are in a snapshot; of one that has ended they need not be.
      const isUnderWay = this.#view.get(jobId)?.type === "job_progress";
      if (!this.#touched.has(jobId) || (isUnderWay && !this.#touched.has(key))) this.#view.delete(key);
    }
  }

  /** In another epoch: as it was, or as much of it as had to be kept. */
  #compareToldAgain(told: Standing, now: Standing, message: Shown): void {
    const kept = this.#options.keptOf?.(keyOf(message)) ?? null;
    const held = { standing: Math.min(told.standing, kept ?? 0), progress: 0, bytes: 0, totalsVersion: 0 };
    this.#compare(kept === null ? told : held, now, message, true);
  }

  #compare(before: Standing, now: Standing, message: Shown, isToldAgain = false): void {
    const what = `${this.name} got ${message.status} of ${keyOf(message)}, attempt ${message.attempt}, in ${message.id}`;
    const { findings } = this.#options;
    if (now.standing < before.standing) findings.add("fallen", `${what} after a higher one`);
    else if (now.standing === before.standing && isEnding(message)) {
      if (!isToldAgain) findings.add("repeated", what);
    } else if (now.totalsVersion < before.totalsVersion) {
      findings.add("fallen", `${what}: totalsVersion ${now.totalsVersion} after ${before.totalsVersion}`);
    } else if (message.progress !== null && this.#holdsPercent(before, now, message)) {
      if (message.progress < before.progress) {
        findings.add("fallen", `${what}: ${message.progress} % after ${before.progress} %`);
      }
    } else if (
      message.photoId !== undefined &&
      now.standing === before.standing &&
      now.bytes < before.bytes
    ) {
      findings.add("fallen", `${what}: ${now.bytes} bytes after ${before.bytes}`);
    }
  }

  /** Of a photo whatever comes (rule 8), of a job while its totals are those of before (rule 13). */
  #holdsPercent(before: Standing, now: Standing, { photoId }: Shown): boolean {
    return photoId !== undefined || now.totalsVersion === before.totalsVersion;
  }

  /** Another epoch: its numbers have nothing to do with those before. */
  #begin(epoch: string): void {
    if (this.#epochs.has(epoch))
      this.#options.findings.add("disordered", `${this.name} got epoch ${epoch} again after ${this.#epoch}`);
    this.#epochs.add(epoch);
    this.#seq = 0;
    for (const [key, standing] of this.#standings) {
      if (standing.standing >= (this.#told.get(key)?.standing ?? 0)) this.#told.set(key, standing);
    }
    this.#standings.clear();
    this.#order.clear();
    if (!this.#options.stateSurvivesCore) this.#told.clear();
  }

  /** How far the id is above the last one; below it, it is a finding. */
  #advance(id: string, what: string): number {
    const [epoch = "", digits = ""] = id.split("-");
    const seq = Number(digits);
    if (epoch !== this.#epoch && this.#options.epochsRetell === true) this.#begin(epoch);
    const step = seq - this.#seq;
    if (step < 0)
      this.#options.findings.add(
        "disordered",
        `${this.name} got ${id} (${what}) after ${this.#epoch}-${this.#seq}`,
      );
    if (epoch !== this.#epoch && !this.#options.stateSurvivesCore) {
      this.#standings.clear();
      this.#order.clear();
    }
    this.#epoch = epoch;
    this.#seq = Math.max(seq, this.#seq);
    return step;
  }
}

/** `job` or `job/photo`. */
function keyOf({ jobId, photoId }: { readonly jobId: string; readonly photoId?: string }): string {
  return photoId === undefined ? jobId : `${jobId}/${photoId}`;
}

const RANKS: Readonly<Record<string, number>> = { CANCELLED: 2, FAILED: 3 };
/** Of failures that the hub made itself, since nobody told of the photo any more. */
const HUB_MADE: readonly string[] = ["timeout", "job_ended"];
const TOP = 1e9;

/** Only rises: attempt first, then rank; `completed` of any attempt is the top (progress-rules.md, rules 1 and 5). */
export function photoStanding(status: string, attempt: number): number {
  return status === "COMPLETED" ? TOP : attempt * 10 + (RANKS[status] ?? 1);
}

export const JOB_ENDED = 2;

function standingOf(message: Shown): number {
  if (message.photoId === undefined) return message.type === "job_completed" ? JOB_ENDED : 1;
  return photoStanding(message.status, message.attempt ?? 1);
}

function isEnding({ type }: Shown): boolean {
  return type === "upload_completed" || type === "upload_failed" || type === "job_completed";
}

export function isHubMade({ error }: Shown): boolean {
  return error !== undefined && HUB_MADE.includes(error.code);
}

function isShown(parsed: unknown): parsed is Shown {
  return (
    typeof parsed === "object" &&
    parsed !== null &&
    "jobId" in parsed &&
    "status" in parsed &&
    "id" in parsed &&
    typeof parsed.id === "string"
  );
}
