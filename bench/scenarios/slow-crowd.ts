/** Users, some of whose devices read slowly, and how many events a second each has: every photo moves once a second. */
export interface SlowCrowd {
  readonly users: number;
  /** Of each user, that read slowly. */
  readonly devices: number;
  readonly eventsPerUser: number;
}

/**
 * What loopback takes for somebody who reads nothing (4 MB on Linux 6, most of it the sender's), and 64 KiB of
 * `slow-buffer`: only then is a reader held.
 */
const FILL_BYTES = 4_500_000;
/** A progress message of a job with a long id, and its frame. */
const MESSAGE_BYTES = 340;
/** A reader that is stopped answers no heartbeat either: after 20 s it would be closed, unless it is held by then. */
const MAX_FILL_MS = 15_000;
/** Stopped and slow ones. */
const MAX_READERS = 100;
/** A user may have 20 connections, of which three read well. */
const MAX_DEVICES = 16;
/** What the hub takes in, and what it sends to slow readers until they are held. */
const MAX_EVENTS_PER_SECOND = 3_600;
const MAX_MESSAGES_PER_SECOND = 50_000;

/** So many that they are held in half of the time that is measured, and that sending them is not what is measured. */
export function slowCrowd(measureMs: number): SlowCrowd {
  const fillSeconds = Math.min(MAX_FILL_MS, measureMs / 2) / 1_000;
  const eventsPerUser = Math.ceil(FILL_BYTES / MESSAGE_BYTES / fillSeconds);
  const users = Math.max(1, Math.floor(MAX_EVENTS_PER_SECOND / eventsPerUser));
  const eventsPerSecond = users * eventsPerUser;
  const most = Math.min(MAX_DEVICES, MAX_READERS / users, MAX_MESSAGES_PER_SECOND / eventsPerSecond);
  return { users, devices: Math.max(1, Math.floor(most)), eventsPerUser };
}
