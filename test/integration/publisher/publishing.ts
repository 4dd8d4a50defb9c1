import { HubError, type PublishEvent } from "../../../src/index.ts";

export function progress(photoId: string, bytesTransferred: number): PublishEvent {
  return { type: "photo.upload.progressed", data: { jobId: "j", photoId, bytesTransferred } };
}

export function completed(photoId: string): PublishEvent {
  return { type: "photo.upload.completed", data: { jobId: "j", photoId } };
}

/** The code of a promise's rejection, or "kept". */
export async function fate(promise: Promise<void>): Promise<string> {
  try {
    await promise;
    return "kept";
  } catch (error) {
    return error instanceof HubError ? error.code : String(error);
  }
}
