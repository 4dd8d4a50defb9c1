import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "pino";
import { httpTokenOf } from "../auth/extract.ts";
import { DEV_USER, mintToken, type SigningKeys } from "../auth/mint.ts";
import { HubError } from "../errors.ts";
import { assertFromHere } from "../from-here.ts";
import { readBody } from "../ingest/body.ts";
import { parseJson } from "../ingest/json.ts";
import { messageOf } from "../message-of.ts";
import type { Admission } from "./admission.ts";
import { refuse } from "./answers.ts";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** What `--dev` adds for the uploads page: a token of the demo user, and simulated uploads. */
export interface DevEntrance {
  readonly session: Handler;
  readonly uploads: Handler;
  /** Gives up what is under way. */
  close(): void;
}

export interface DevOptions {
  readonly settings: SigningKeys & { readonly ingestToken: readonly string[] };
  /** Of the internal listener, which takes the simulated events. */
  readonly internalUrl: string;
  readonly admission: Admission;
  readonly log: Logger;
}

const TOKEN_TTL_MS = 3_600_000;
const MAX_BODY_BYTES = 1_024;

export function createDevEntrance({ settings, internalUrl, admission, log }: DevOptions): DevEntrance {
  const stop = new AbortController();

  const start = async (request: IncomingMessage): Promise<object> => {
    const token = httpTokenOf({ headers: request.headers, url: request.url ?? "" });
    const { userId } = await admission.authenticate(token);
    const kind = kindOf(parseJson(await readBody(request, MAX_BODY_BYTES)));
    // The simulator is no part of a hub in production: it is loaded when somebody asks for it.
    const { isDevUploads, startDevUploads } = await import("../../simulator/dev-uploads.ts");
    const ingestToken = settings.ingestToken[0];
    if (!isDevUploads(kind) || ingestToken === undefined)
      throw new HubError("bad_request", "kind: few, phone, tunnel, trouble or thousands");
    const { jobId, sent } = startDevUploads(kind, userId, { internalUrl, ingestToken }, stop.signal);
    sent.catch((error: unknown) => log.warn({ jobId, cause: messageOf(error) }, "simulated uploads ended"));
    return { jobId };
  };

  return {
    session(request, response) {
      try {
        assertFromHere(request);
        const token = mintToken(settings, DEV_USER, TOKEN_TTL_MS);
        if (token === null) throw new HubError("not_found", "There is no secret to sign a token with.");
        answer(response, { userId: DEV_USER, token });
      } catch (error) {
        refuse(response, error);
      }
    },
    uploads(request, response) {
      start(request).then(
        (started) => answer(response, started),
        (error: unknown) => refuse(response, error),
      );
    },
    close: () => stop.abort(),
  };
}

function kindOf(body: unknown): unknown {
  return typeof body === "object" && body !== null && "kind" in body ? body.kind : null;
}

function answer(response: ServerResponse, body: object): void {
  response.writeHead(200, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  response.end(JSON.stringify(body));
}
