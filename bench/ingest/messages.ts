// What the coordinator and the process of the ingest load tell each other over IPC.

/** As fast as it is answered, over so many connections for so long. */
interface Load {
  /** Begins the names of all users and jobs. */
  readonly prefix: string;
  readonly connections: number;
  readonly durationMs: number;
}

export type IngestOrder =
  /** Posts events in batches, or one by one. */
  | ({
      readonly type: "post";
      readonly form: "batch" | "single";
      readonly internalUrl: string;
      readonly ingestToken: string;
    } & Load)
  /** Polls, as the users of the posts with the same prefix. */
  | ({ readonly type: "poll"; readonly publicUrl: string; readonly jwtSecret: string } & Load);

export type ToIngest =
  | IngestOrder
  /** Reads back what the hub shows of all that was posted. */
  | { readonly type: "check"; readonly publicUrl: string; readonly jwtSecret: string }
  | { readonly type: "stop" };

/** What came of a load. */
export interface IngestFigures {
  /** Without the wait for the last answers. */
  readonly durationMs: number;
  readonly requests: number;
  readonly non2xx: number;
  /** Connections that broke, requests without an answer, and answers of 200 that are none of a poll. */
  readonly errors: number;
  /** From a request to its whole answer, in microseconds: an hdr histogram, encoded. */
  readonly latency: string;
  /** Events that were sent; of polls: messages in their answers. */
  readonly items: number;
  /** Of those events. */
  readonly unaccepted: number;
  /** A sentence each. */
  readonly findings: readonly string[];
}

/** What was read back. */
export interface AppliedFigures {
  readonly photos: number;
  /** Photos that are not shown as they should be. */
  readonly wrong: number;
  readonly findings: readonly string[];
}

export type FromIngest =
  | { readonly type: "progress"; readonly elapsedMs: number; readonly requests: number }
  | { readonly type: "measured"; readonly figures: IngestFigures }
  | { readonly type: "checked"; readonly figures: AppliedFigures }
  /** What was ordered could not be carried out. */
  | { readonly type: "broken"; readonly reason: string };
