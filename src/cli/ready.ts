import { DEV_USER, mintToken } from "../auth/mint.ts";
import type { Settings } from "../config/schema.ts";

export interface Addresses {
  readonly publicUrl: string;
  readonly internalUrl: string;
}

const DEV_TOKEN_TTL_MS = 24 * 3_600_000;

/** The line of the contract that says: clients are accepted now. */
export function readyLine({ publicUrl, internalUrl }: Addresses, pid: number, workers: number): string {
  return `progress-hub ready public=${publicUrl} internal=${internalUrl} pid=${pid} workers=${workers}`;
}

/** The contract's second line of `--dev`, then commands that work as pasted into bash. */
export function devLines(settings: Settings, addresses: Addresses, invocation: string): readonly string[] {
  // With public keys of the user's own there is nothing to sign with here.
  const token = mintToken(settings, DEV_USER, DEV_TOKEN_TTL_MS) ?? "none";
  const ingestToken = settings.ingestToken[0] ?? "none";
  const adminToken = settings.adminToken[0] ?? "none";
  const own = { publicUrl: reachable(addresses.publicUrl), internalUrl: reachable(addresses.internalUrl) };
  return [
    `dev token=${token} ingest-token=${ingestToken} admin-token=${adminToken}`,
    ...(settings.ui ? pageLines(own) : []),
    ...pasteLines(own, token, ingestToken, invocation),
  ];
}

/** As comments of a shell, since all of these lines may be pasted into one. */
function pageLines({ publicUrl, internalUrl }: Addresses): readonly string[] {
  return ["", "# in a browser", `#   uploads     ${publicUrl}/`, `#   operations  ${internalUrl}/`];
}

/** Shell commands, each with a comment above, for the job `holiday` of the user of `token`. */
function pasteLines(
  addresses: Addresses,
  token: string,
  ingestToken: string,
  invocation: string,
): readonly string[] {
  const { publicUrl, internalUrl } = addresses;
  const bearer = (secret: string): string => `-H 'Authorization: Bearer ${secret}'`;
  const post = (...events: readonly string[]): string =>
    `curl ${bearer(ingestToken)} -H 'Content-Type: application/cloudevents-batch+json' -d '[${events.join(",")}]' ${internalUrl}/api/v1/events`;
  return [
    "",
    "# watch a job (Server-Sent Events)",
    `curl -N ${bearer(token)} ${publicUrl}/api/v1/upload-progress/holiday`,
    "# send events: a job of one photo, 45 % of it, and its end",
    post(
      event(
        1,
        "uploadjob.created",
        `"jobId":"holiday","userId":"${DEV_USER}","photoCount":1,"title":"Holiday"`,
      ),
      event(
        2,
        "photo.upload.started",
        '"photoId":"beach","jobId":"holiday","totalBytes":8386000,"fileName":"beach.jpg"',
      ),
      event(3, "photo.upload.progressed", '"photoId":"beach","jobId":"holiday","bytesTransferred":3816000'),
    ),
    post(event(4, "photo.upload.completed", '"photoId":"beach","jobId":"holiday"')),
    "# poll",
    `curl -H 'Accept: application/json' ${bearer(token)} ${publicUrl}/api/v1/upload-progress/holiday`,
    "# bars in the terminal",
    `${invocation} watch --url ${publicUrl} --token ${token}`,
    "# uploads to look at",
    `${invocation} simulate --users 1 --jobs 2 --photos 12 --rate 100 --internal ${internalUrl} --ingest-token ${ingestToken}`,
    "",
  ];
}

/** An address that listens everywhere is reached by this machine at its own. */
function reachable(url: string): string {
  return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
}

function event(id: number, type: string, data: string): string {
  return `{"specversion":"1.0","source":"/shell","id":"${id}","type":"${type}","data":{${data}}}`;
}
