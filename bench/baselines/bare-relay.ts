import { listen, urlOf } from "../../src/listening.ts";
import { BareConnections, type Encoded } from "./bare-connections.ts";
import { createBareListener } from "./bare-listener.ts";
import { isPhoto, type UploadEvent } from "./events.ts";
import { type JobMessage, type Message, photoKindOf, photoMessage } from "./messages.ts";
import { createPublishServer, type Taken } from "./publish-server.ts";
import { type Baseline, type BaselineOptions, fail, optionsOf, runBaseline } from "./run.ts";

// The least that moves a message: HTTP in, JSON.parse, a map, a write. One process; nothing is checked or remembered.
// What the hub costs beyond this is the price of what it does.

async function startBareRelay({
  host,
  port,
  internalHost,
  internalPort,
}: BaselineOptions): Promise<Baseline> {
  const connections = new BareConnections();
  const relay = createRelay(connections);
  const publics = createBareListener(connections);
  const internals = createPublishServer({ isAllowed: () => true, take: relay });
  return {
    publicUrl: urlOf("http", host, await listen(publics, { host, port })),
    internalUrl: urlOf(
      "http",
      internalHost,
      await listen(internals, { host: internalHost, port: internalPort }),
    ),
    workers: 0,
    end: () => Promise.resolve(),
  };
}

/** Counts as accepted what it could relay, whether or not the user is there. */
function createRelay(connections: BareConnections): (events: readonly UploadEvent[]) => Taken {
  let made = 0;
  const nextId = (): string => {
    made += 1;
    return `bare-${made}`;
  };
  return (events) => {
    const timestamp = new Date().toISOString();
    const ofUser = new Map<string, Encoded[]>();
    let accepted = 0;
    for (const event of events) {
      const { userId } = event.data;
      if (userId === undefined) continue;
      accepted += 1;
      if (!connections.has(userId)) continue;
      const message = messageOf(event, nextId, timestamp);
      if (message === null) continue;
      const encoded = { type: message.type, id: message.id, json: JSON.stringify(message) };
      const earlier = ofUser.get(userId);
      if (earlier === undefined) ofUser.set(userId, [encoded]);
      else earlier.push(encoded);
    }
    for (const [userId, messages] of ofUser) connections.write(userId, messages);
    return { accepted, unchanged: 0 };
  };
}

/** null: an event that nobody is told of. */
function messageOf({ type, data }: UploadEvent, nextId: () => string, timestamp: string): Message | null {
  if (type === "uploadjob.completed")
    return jobCompleted(data.jobId, data.photoCount ?? 0, nextId(), timestamp);
  const kind = photoKindOf(type);
  if (kind === undefined || !isPhoto(data)) return null;
  const total = data.totalBytes ?? null;
  // Without state an ending knows no bytes but those it brings.
  const bytes = data.bytesTransferred ?? (kind.status === "COMPLETED" ? (total ?? 0) : 0);
  return photoMessage(kind, data, { bytes, total, attempt: data.attempt ?? 1 }, nextId(), timestamp);
}

/** All it can say is that the producer is done: which photos there were, it does not know. */
function jobCompleted(jobId: string, count: number, id: string, timestamp: string): JobMessage {
  return {
    type: "job_completed",
    jobId,
    progress: 100,
    status: "COMPLETED",
    timestamp,
    id,
    bytesTransferred: 0,
    totalBytes: null,
    photos: { total: count, completed: count, failed: 0, cancelled: 0, active: 0 },
    totalsVersion: 1,
  };
}

try {
  await runBaseline(optionsOf(process.argv.slice(2)), startBareRelay);
} catch (error) {
  fail(error);
}
