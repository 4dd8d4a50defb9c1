import type { Publisher } from "./publisher.ts";
import { listenToTusServer, type TusServer } from "./tus-hooks.ts";
import { eventsOf, identityOf, type TusIdentity, type TusRequest, type TusUpload } from "./tus-upload.ts";

export interface AttachTusServerOptions {
  /**
   * The user an upload belongs to, from the request that created it (its `Authorization` header, a cookie, what a
   * middleware left in `request.runtime.node.req`). Asked once an upload: later requests may carry an expired token.
   * After a restart of the backend it is asked again with the next request of the upload.
   */
  userId(request: TusRequest, upload: TusUpload): string | Promise<string>;
  /** Default: `jobId` of the upload's metadata, else the upload is a job of one photo. */
  jobId?(request: TusRequest, upload: TusUpload): string | null | Promise<string | null>;
  /** Default: `photoId` of the upload's metadata, else the Upload.ID. */
  photoId?(request: TusRequest, upload: TusUpload): string | null | Promise<string | null>;
  /** CloudEvents `source`. Default `urn:progress-hub:tus-server`. */
  readonly source?: string;
  /** Uploads whose owner is remembered, at least 1; beyond it the longest unheard of go. Default 10,000. */
  readonly maxUploads?: number;
  /**
   * `userId`, `jobId` or `photoId` failed, and the upload goes on unseen. Default: a process warning. What the hub
   * rejects is told to `onError` of the publisher.
   */
  readonly onError?: (error: unknown, uploadId: string) => void;
}

interface Tracked {
  readonly id: string;
  identity: TusIdentity | null;
  identifying: boolean;
  /** The newest request that may tell whose upload it is; null: known, or none has come. */
  request: TusRequest | null;
  /** As last heard of. */
  upload: TusUpload | null;
  /** The hub was told that it began. */
  opened: boolean;
  /** Heard while `identity` was unknown. */
  progressed: boolean;
  ending: "completed" | "cancelled" | null;
}

const DEFAULT_SOURCE = "urn:progress-hub:tus-server";
/** Requests of uploads nobody is known for; few, so that guessed ids can't push out what is known. */
const MAX_UNKNOWN = 1_000;

/**
 * Tells the hub of every upload of a @tus/server 2.x. Ids in the metadata (`jobId`, `photoId`, `photoCount`,
 * `filename`) are the uploader's word, so all events live in their owner's own jobs. Nothing here breaks or delays an
 * upload. How often progress is told is the server's `postReceiveInterval` (milliseconds, default 1,000; 100 makes
 * smooth bars). A resumed upload goes on as the same attempt.
 *
 * @returns detach: stops listening and forgets everything.
 */
export function attachTusServer(
  server: TusServer,
  publisher: Pick<Publisher, "publish">,
  options: AttachTusServerOptions,
): () => void {
  const source = options.source ?? DEFAULT_SOURCE;
  const maxUploads = options.maxUploads ?? 10_000;
  const known = new Map<string, Tracked>();
  const unknown = new Map<string, Tracked>();
  let detached = false;

  const track = (id: string): Tracked => {
    const tracked = known.get(id) ?? unknown.get(id) ?? untold(id);
    if (tracked.identity === null) remember(unknown, tracked, MAX_UNKNOWN);
    else remember(known, tracked, maxUploads);
    return tracked;
  };

  const forget = ({ id }: Tracked) => {
    known.delete(id);
    unknown.delete(id);
  };

  const report = (error: unknown, uploadId: string) => {
    try {
      if (options.onError) options.onError(error, uploadId);
      else process.emitWarning(`The owner of upload ${uploadId} is not known: ${String(error)}`);
    } catch (thrown) {
      process.emitWarning(`onError of attachTusServer threw: ${String(thrown)}`);
    }
  };

  const identify = async (tracked: Tracked): Promise<void> => {
    if (tracked.identifying) return;
    tracked.identifying = true;
    while (tracked.identity === null && tracked.request !== null && tracked.upload !== null) {
      const { request, upload } = tracked;
      try {
        tracked.identity = identityOf(upload, await ask(options, request, upload));
        tracked.request = null;
      } catch (error) {
        report(error, tracked.id);
        // A newer request may carry a better token; the same one is not asked again.
        if (tracked.request === request) tracked.request = null;
      }
    }
    tracked.identifying = false;
    if (tracked.identity !== null && !tracked.opened) {
      tracked.opened = true;
      unknown.delete(tracked.id);
      remember(known, tracked, maxUploads);
      tell(tracked, "opening");
      if (tracked.progressed) tell(tracked, "progressed");
    }
    end(tracked);
  };

  const tell = (
    { upload, identity }: Tracked,
    what: "opening" | "progressed" | "completed" | "cancelled",
  ) => {
    if (detached || upload === null || identity === null) return;
    // The publisher reports and counts what fails; here nobody waits for it.
    for (const event of [eventsOf(upload, identity, source)[what]()].flat()) {
      publisher.publish(event).catch(() => {});
    }
  };

  const end = (tracked: Tracked) => {
    if (tracked.ending === null || tracked.identifying) return;
    tell(tracked, tracked.ending);
    forget(tracked);
  };

  const progressed = (tracked: Tracked, upload: TusUpload) => {
    tracked.upload = upload;
    tracked.progressed = true;
    if (tracked.identity === null) void identify(tracked);
    else tell(tracked, "progressed");
  };

  /** After a restart of the backend only the store knows what an upload is. */
  const recall = async (tracked: Tracked) => {
    const upload = await loaded(server, tracked.id);
    if (upload !== null && unknown.get(tracked.id) === tracked) progressed(tracked, upload);
  };

  const stop = listenToTusServer(server, {
    created(request, upload) {
      const tracked = track(upload.id);
      tracked.request = request;
      tracked.upload = upload;
      void identify(tracked);
    },
    received(upload) {
      progressed(track(upload.id), upload);
    },
    stored(id, offset) {
      const tracked = known.get(id) ?? unknown.get(id);
      if (tracked === undefined) return;
      if (tracked.upload !== null) progressed(tracked, { ...tracked.upload, offset });
      else void recall(tracked);
    },
    finished(request, upload) {
      const tracked = track(upload.id);
      tracked.upload = upload;
      tracked.ending = "completed";
      if (tracked.identity !== null) return end(tracked);
      tracked.request = request;
      void identify(tracked);
    },
    terminated(id) {
      const tracked = known.get(id) ?? unknown.get(id);
      if (tracked === undefined) return;
      tracked.ending = "cancelled";
      if (tracked.identity !== null) end(tracked);
      else void identify(tracked);
    },
    /** Keeps the request of an upload nobody is known for. */
    async requested(request, id) {
      if (detached || known.has(id) || (request.method !== "PATCH" && request.method !== "DELETE")) return;
      if (request.method === "DELETE" && !unknown.has(id)) {
        // After the termination nobody could tell which photo it was.
        const upload = await loaded(server, id);
        if (upload === null || upload.offset === upload.size) return;
        track(id).upload = upload;
      }
      track(id).request = request;
    },
  });

  return () => {
    detached = true;
    stop();
    known.clear();
    unknown.clear();
  };
}

/** null: there is no such upload, which is the server's to say. */
async function loaded(server: TusServer, id: string): Promise<TusUpload | null> {
  try {
    return await server.datastore.getUpload(id);
  } catch {
    return null;
  }
}

async function ask(options: AttachTusServerOptions, request: TusRequest, upload: TusUpload) {
  const userId: unknown = await options.userId(request, upload);
  if (typeof userId !== "string" || userId === "") throw new TypeError("userId() gave no user");
  const jobId = await options.jobId?.(request, upload);
  const photoId = await options.photoId?.(request, upload);
  return { userId, jobId, photoId };
}

function untold(id: string): Tracked {
  return {
    id,
    identity: null,
    identifying: false,
    opened: false,
    request: null,
    upload: null,
    progressed: false,
    ending: null,
  };
}

/** Puts it last in the map, and out of it whoever is first beyond `max`. */
function remember(map: Map<string, Tracked>, tracked: Tracked, max: number): void {
  map.delete(tracked.id);
  map.set(tracked.id, tracked);
  for (const oldest of map.keys()) {
    if (map.size <= max) return;
    map.delete(oldest);
  }
}
