export { type ConnectOptions, connect, type Progress } from "./connect.ts";
export { ConnectionClosedError, type JobHandle } from "./job.ts";
export type { JobMessage, JobStatus, PhotoMessage, PhotoStatus } from "./messages.ts";
export type { ConnectionState, TransportName } from "./session.ts";
export { type Job, type Photo, ProgressStore, type StoreEvents } from "./store.ts";
export type { WebSocketLike } from "./websocket.ts";
