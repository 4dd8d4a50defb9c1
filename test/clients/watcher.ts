/** Event names that carry state; everything else a hub sends is a control message. */
export const STATE_TYPES = [
  "upload_started",
  "upload_progress",
  "upload_completed",
  "upload_failed",
  "job_progress",
  "job_completed",
] as const;

export const CONTROL_TYPES = ["synced", "token_expiring", "heartbeat", "reconnect", "closing"] as const;

/** A photo or job message, as far as tests look into it. */
export interface WatchedMessage {
  readonly type: (typeof STATE_TYPES)[number];
  readonly id: string;
  readonly jobId: string;
  /** Absent: a job message. */
  readonly photoId?: string;
  readonly progress: number | null;
  readonly status: string;
  readonly timestamp: string;
  readonly bytesTransferred: number;
  readonly totalBytes: number | null;
  readonly attempt?: number;
  readonly error?: { readonly code: string; readonly message: string };
  readonly photos?: Readonly<Record<"total" | "completed" | "failed" | "cancelled" | "active", number>>;
  readonly totalsVersion?: number;
  readonly title?: string;
  readonly fileName?: string;
  readonly stalled?: boolean;
  readonly bytesPerSecond?: number | null;
  readonly etaSeconds?: number | null;
  readonly estimated?: boolean;
}

interface ControlMessage {
  readonly type: string;
  readonly id?: string | null;
  readonly mode?: "snapshot" | "resumed";
  readonly [field: string]: unknown;
}

/** What a user sees of one photo or job. Left out: id, time, rate and ETA, which may differ between two ways of watching. */
interface Seen {
  readonly type: string;
  readonly status: string;
  readonly progress: number | null;
  readonly bytesTransferred: number;
  readonly totalBytes: number | null;
  readonly attempt: number | null;
  readonly errorCode: string | null;
  readonly photos: WatchedMessage["photos"] | null;
  readonly totalsVersion: number | null;
}

export interface WatchOptions {
  readonly publicUrl: string;
  readonly token: string;
  /** Absent: all jobs of the user. */
  readonly jobId?: string;
  readonly lastEventId?: string;
  /** Socket.IO only; absent: the stock client's own default. */
  readonly transports?: readonly ("polling" | "websocket")[];
  /** Goes on from what another watcher has seen: its messages, and its last id unless `lastEventId` is given. */
  readonly continues?: Watcher;
}

export interface Watcher {
  readonly kind: WatcherKind;
  /** In the order of arrival, with those of `continues` first. */
  readonly messages: readonly WatchedMessage[];
  /** The JSON of each of `messages`, to compare transports byte for byte. */
  readonly raw: readonly string[];
  readonly controls: readonly ControlMessage[];
  /** What a reconnect would send; null before the first. */
  readonly lastId: string | null;
  /** How often everything up to the head has come: `synced` messages, or answers where polling. */
  readonly syncs: number;
  /** Refusals, transport errors and closes, oldest first; `code` is an HTTP status, close code or code of the catalogue. */
  readonly ends: readonly { readonly code: number | string; readonly reason: string }[];
  /** True: this client will not come back by itself. */
  readonly ended: boolean;
  /** The last of each photo (`jobId/photoId`) and job (`jobId`); after a snapshot without what is not in it. */
  view(): Map<string, Seen>;
  /** Waits for the condition, which is looked at on every change. Rejects with `what` and the last messages. */
  until(predicate: (watcher: Watcher) => boolean, what: string, deadlineMs?: number): Promise<void>;
  /** Drops the connection and stays away: a WebSocket without a close frame, Socket.IO without a packet of goodbye. */
  close(): void;
}

export type WatcherKind = "socketio" | "websocket" | "sse" | "polling";

/** What a client of one kind reports to its recorder. */
export interface Recorder {
  readonly watcher: Watcher;
  connected(): void;
  /** `resumeId`: what the transport itself would come back with; absent: the id inside the message. */
  take(raw: string, parsed: unknown, resumeId?: string | null): void;
  synced(headId: string | null, mode: "snapshot" | "resumed"): void;
  end(code: number | string, reason: string, forGood: boolean): void;
}

const DEFAULT_DEADLINE_MS = 5_000;

export function createRecorder(kind: WatcherKind, options: WatchOptions, close: () => void): Recorder {
  const before = options.continues;
  const messages: WatchedMessage[] = [...(before?.messages ?? [])];
  const raw: string[] = [...(before?.raw ?? [])];
  const controls: ControlMessage[] = [];
  const ends: { code: number | string; reason: string }[] = [];
  const view = before?.view() ?? new Map<string, Seen>();
  const waiters = new Set<() => void>();
  let touched = new Set<string>();
  let lastId = options.lastEventId ?? before?.lastId ?? null;
  let syncs = 0;
  let ended = false;

  const changed = () => {
    for (const look of waiters) look();
  };

  const synced = (headId: string | null, mode: "snapshot" | "resumed") => {
    if (mode === "snapshot") {
      for (const key of view.keys()) {
        const jobId = key.split("/")[0] ?? key;
        // All photos of a job under way are in a snapshot; of one that has ended they need not be.
        const isUnderWay = view.get(jobId)?.type === "job_progress";
        if (!touched.has(jobId) || (isUnderWay && !touched.has(key))) view.delete(key);
      }
    }
    touched = new Set();
    syncs += 1;
    if (headId !== null) lastId = headId;
    changed();
  };

  const watcher: Watcher = {
    kind,
    messages,
    raw,
    controls,
    ends,
    get lastId() {
      return lastId;
    },
    get syncs() {
      return syncs;
    },
    get ended() {
      return ended;
    },
    view: () => new Map(view),
    until(predicate, what, deadlineMs = DEFAULT_DEADLINE_MS) {
      return new Promise((resolve, reject) => {
        const finish = (settle: () => void) => {
          clearTimeout(timer);
          waiters.delete(look);
          settle();
        };
        const timer = setTimeout(() => {
          finish(() =>
            reject(new Error(`${kind} watcher: not within ${deadlineMs} ms: ${what}\n${story()}`)),
          );
        }, deadlineMs);
        const look = () => {
          try {
            if (predicate(watcher)) finish(resolve);
          } catch (error) {
            finish(() => reject(error));
          }
        };
        waiters.add(look);
        look();
      });
    },
    close() {
      ended = true;
      close();
      changed();
    },
  };

  const story = () =>
    JSON.stringify(
      { count: messages.length, syncs, lastId, ends, controls, last: messages.slice(-5) },
      null,
      1,
    );

  return {
    watcher,
    connected() {
      touched = new Set();
    },
    take(text, parsed, resumeId) {
      if (isControl(parsed)) {
        controls.push(parsed);
        const headId = resumeId === undefined ? (parsed.id ?? null) : resumeId;
        if (parsed.type === "synced") synced(headId, parsed.mode ?? "resumed");
        else changed();
        return;
      }
      const message = toMessage(text, parsed);
      messages.push(message);
      raw.push(text);
      lastId = message.id;
      touched.add(message.jobId).add(keyOf(message));
      view.set(keyOf(message), seen(message));
      changed();
    },
    synced,
    end(code, reason, forGood) {
      ends.push({ code, reason });
      ended ||= forGood;
      changed();
    },
  };
}

export function keyOf(message: WatchedMessage): string {
  return message.photoId === undefined ? message.jobId : `${message.jobId}/${message.photoId}`;
}

function seen(message: WatchedMessage): Seen {
  return {
    type: message.type,
    status: message.status,
    progress: message.progress,
    bytesTransferred: message.bytesTransferred,
    totalBytes: message.totalBytes,
    attempt: message.attempt ?? null,
    errorCode: message.error?.code ?? null,
    photos: message.photos ?? null,
    totalsVersion: message.totalsVersion ?? null,
  };
}

const stateTypes: ReadonlySet<unknown> = new Set(STATE_TYPES);

function isControl(parsed: unknown): parsed is ControlMessage {
  return typeof parsed === "object" && parsed !== null && "type" in parsed && !stateTypes.has(parsed.type);
}

function isMessage(parsed: unknown): parsed is WatchedMessage {
  if (typeof parsed !== "object" || parsed === null) return false;
  const required = [
    "type",
    "jobId",
    "progress",
    "status",
    "timestamp",
    "id",
    "bytesTransferred",
    "totalBytes",
  ];
  return required.every((field) => field in parsed) && "id" in parsed && typeof parsed.id === "string";
}

function toMessage(text: string, parsed: unknown): WatchedMessage {
  if (!isMessage(parsed)) throw new Error(`the hub sent what is no message: ${text}`);
  return parsed;
}
