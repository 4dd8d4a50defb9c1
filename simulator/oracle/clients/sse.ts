import { EventSource } from "eventsource";
import { ALL_TYPES, type Client, type ClientOptions } from "./client.ts";

/** The stock EventSource, for all jobs of the user or the record's one, which comes back by itself with its last id. */
export function sseClient({ publicUrl, token, record }: ClientOptions): Client {
  const { jobId } = record;
  const path = jobId === null ? "" : `/${encodeURIComponent(jobId)}`;
  const url = new URL(`/api/v1/upload-progress${path}`, publicUrl);
  url.searchParams.set("access_token", token);
  const source = new EventSource(url);
  // A stream that ends before its first message was a refusal that may be tried again: EventSource knows no other.
  let isFresh = false;
  source.addEventListener("open", () => {
    isFresh = true;
  });
  source.addEventListener("error", (event) => {
    const reason = `${event.code ?? ""} ${event.message ?? "the stream ended"}`;
    record.problems.push(reason);
    record.closed(reason);
    if (source.readyState === source.CLOSED) record.gaveUp = reason;
  });
  const take = (event: MessageEvent): void => {
    if (isFresh) record.opened();
    isFresh = false;
    record.takeText(String(event.data));
  };
  for (const type of ALL_TYPES) source.addEventListener(type, take);
  return {
    record,
    transport: () => "sse",
    close() {
      record.leave();
      source.close();
    },
  };
}
