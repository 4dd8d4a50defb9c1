import { ClientRequest } from "node:http";
import { type FileReader, type HttpRequest, Upload } from "tus-js-client";
import { pacedRead, type TestFile } from "./files.ts";

export interface UploadOptions {
  readonly endpoint: string;
  readonly metadata: Record<string, string>;
  readonly createToken: string;
  /** Sent with every request but the creation. */
  readonly laterToken: string;
  /** Bytes a PATCH; absent: all in one. */
  readonly chunkBytes?: number;
  /** Destroys the socket once, in the middle of a PATCH, when this many bytes were read. */
  readonly cutAtBytes?: number;
  /** The client doesn't know how much will come. */
  readonly lengthDeferred?: boolean;
}

export interface Uploaded {
  readonly id: string;
  /** Methods and offsets of the requests, in order: `POST`, `PATCH 0`, `HEAD`, `PATCH 65536`. */
  readonly requests: readonly string[];
}

/** Uploads a real file from disk with the stock tus client, slowly; it retries and resumes by itself. */
export function uploadFile(file: TestFile, options: UploadOptions): Promise<Uploaded> {
  const requests: string[] = [];
  let current: HttpRequest | null = null;
  let cut = false;

  const cutOnce = (position: number) => {
    if (cut || options.cutAtBytes === undefined || position < options.cutAtBytes) return;
    const socketOwner: unknown = current?.getUnderlyingObject();
    if (!(socketOwner instanceof ClientRequest)) throw new Error("no request is in flight");
    cut = true;
    socketOwner.destroy(new Error("cut by the test"));
  };

  const reader: FileReader = {
    openFile: async () => ({
      size: file.bytes,
      slice: async (start: number, end: number) => {
        const last = Math.min(end, file.bytes);
        const value = Object.assign(pacedRead(file.path, start, last, cutOnce), { size: last - start });
        return { value, done: last >= file.bytes };
      },
      close: () => {},
    }),
  };

  return new Promise((resolve, reject) => {
    const upload = new Upload(pacedRead(file.path, 0, file.bytes), {
      endpoint: options.endpoint,
      metadata: { filename: file.name, ...options.metadata },
      retryDelays: [50, 100, 200, 400],
      ...(options.chunkBytes !== undefined && { chunkSize: options.chunkBytes }),
      // Without a length the stock reader takes the stream itself.
      ...(options.lengthDeferred
        ? { uploadLengthDeferred: true }
        : { fileReader: reader, uploadSize: file.bytes }),
      onBeforeRequest: (request) => {
        current = request;
        const method = request.getMethod();
        const offset = request.getHeader("Upload-Offset");
        requests.push(offset === undefined ? method : `${method} ${offset}`);
        const token = method === "POST" ? options.createToken : options.laterToken;
        request.setHeader("Authorization", `Bearer ${token}`);
      },
      onError: reject,
      onSuccess: () => {
        const id = upload.url?.slice(upload.url.lastIndexOf("/") + 1);
        if (id === undefined) reject(new Error("an upload without a URL"));
        else resolve({ id, requests });
      },
    });
    upload.start();
  });
}
