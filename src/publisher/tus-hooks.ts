import type { EventEmitter } from "node:events";
import type { Readable } from "node:stream";
import type { TusRequest, TusUpload } from "./tus-upload.ts";

/** The part of @tus/server 2.x that is used here; its `Server` fits. */
export interface TusServer extends Pick<EventEmitter, "on" | "off"> {
  readonly datastore: {
    getUpload(id: string): Promise<TusUpload>;
    write(body: Readable, id: string, offset: number): Promise<number>;
  };
  readonly options: { onIncomingRequest?(request: TusRequest, uploadId: string): Promise<void> };
}

export interface TusListeners {
  /** Before the request is handled, and after the server's own `onIncomingRequest` has let it pass. */
  requested(request: TusRequest, uploadId: string): Promise<void>;
  created(request: TusRequest, upload: TusUpload): void;
  /** In the middle of a request body, every `postReceiveInterval`. */
  received(upload: TusUpload): void;
  /** After each request body, whole or cut: bytes that are really stored. */
  stored(uploadId: string, offset: number): void;
  finished(request: TusRequest, upload: TusUpload): void;
  terminated(uploadId: string): void;
}

/**
 * Listens to everything a server tells of its uploads, by its events and, for what they don't tell, from inside
 * `options.onIncomingRequest` and `datastore.write`. Gives what undoes it.
 */
export function listenToTusServer(server: TusServer, listeners: TusListeners): () => void {
  const events = {
    POST_CREATE: (request: TusRequest, upload: TusUpload) => listeners.created(request, upload),
    // The first argument is the stream of the body, not the request.
    POST_RECEIVE: (_body: unknown, upload: TusUpload) => listeners.received(upload),
    POST_FINISH: (request: TusRequest, _response: unknown, upload: TusUpload) =>
      listeners.finished(request, upload),
    POST_TERMINATE: (_request: unknown, _response: unknown, id: string) => listeners.terminated(id),
  };
  for (const [event, listener] of Object.entries(events)) server.on(event, listener);
  const unwrapRequests = wrapRequests(server, listeners);
  const unwrapWrites = wrapWrites(server, listeners);
  return () => {
    for (const [event, listener] of Object.entries(events)) server.off(event, listener);
    unwrapRequests();
    unwrapWrites();
  };
}

/** POST_RECEIVE and POST_TERMINATE come without what tells whose upload it is. */
function wrapRequests({ options }: TusServer, listeners: TusListeners): () => void {
  const before = options.onIncomingRequest;
  const wrapped = async (request: TusRequest, id: string) => {
    await before?.call(options, request, id);
    await listeners.requested(request, id);
  };
  options.onIncomingRequest = wrapped;
  return () => {
    // Someone may have wrapped it in turn; then ours stays inside, and is told nothing more by the caller.
    if (options.onIncomingRequest !== wrapped) return;
    if (before === undefined) delete options.onIncomingRequest;
    else options.onIncomingRequest = before;
  };
}

/** The server cancels POST_RECEIVE at the end of a body: uploads in chunks shorter than its interval never tell. */
function wrapWrites({ datastore }: TusServer, listeners: TusListeners): () => void {
  const own = Object.getOwnPropertyDescriptor(datastore, "write");
  const before = datastore.write;
  const wrapped = async (body: Readable, id: string, offset: number) => {
    const stored = await before.call(datastore, body, id, offset);
    listeners.stored(id, stored);
    return stored;
  };
  datastore.write = wrapped;
  return () => {
    if (datastore.write !== wrapped) return;
    // Deleting shows the method of the store's class again.
    Reflect.deleteProperty(datastore, "write");
    if (own !== undefined) Object.defineProperty(datastore, "write", own);
  };
}
