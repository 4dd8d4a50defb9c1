export { settingsFor } from "./config/load.ts";
export type { Settings } from "./config/schema.ts";
export type { Hub, HubOptions, HubStats } from "./core/hub.ts";
export { startHub } from "./core/hub.ts";
export type { ErrorCode } from "./errors.ts";
export { HubError } from "./errors.ts";
export type { PublishData, PublishEvent, PublishEventType } from "./publisher/events.ts";
export type {
  HttpPublisherOptions,
  PublisherOptions,
  StreamPublisherOptions,
} from "./publisher/options.ts";
export type { Publisher, PublisherStats } from "./publisher/publisher.ts";
export { createPublisher } from "./publisher/publisher.ts";
export type { TusServer } from "./publisher/tus-hooks.ts";
export type { AttachTusServerOptions } from "./publisher/tus-server.ts";
export { attachTusServer } from "./publisher/tus-server.ts";
export type { TusRequest, TusUpload } from "./publisher/tus-upload.ts";
