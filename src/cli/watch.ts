import type { Command } from "commander";
import { ProgressStore } from "../client/index.ts";
import { CommandFailed, exitCode } from "./exit-codes.ts";
import type { Host } from "./host.ts";
import type { End } from "./main.ts";
import { baseUrl, refuseStray, takesAnything } from "./options.ts";
import { requireReachable } from "./reach.ts";
import { type FollowOptions, follow } from "./watch/follow.ts";
import { createScreen } from "./watch/screen.ts";

interface Options {
  readonly url: string;
  readonly token?: string;
  readonly json?: boolean;
}

export function addWatch(program: Command, host: Host, end: End): void {
  const command = takesAnything(program.command("watch"))
    .description("show a user's progress in the terminal, live")
    .argument("[job]", "only this job: ends with it, with 1 if it failed")
    .option("--url <url>", "public address of the hub", "http://127.0.0.1:8080")
    .option("--token <jwt>", "the user's token")
    .option("--json", "one line a message, exactly as received");
  command.addHelpText(
    "after",
    `
On a terminal: a bar a photo. Elsewhere: a line a change of status and per 10 %. Ctrl-C ends it.

Examples:
  progress-hub watch --token "$TOKEN"
  progress-hub watch holiday --url https://hub.example.com --token "$TOKEN"
  progress-hub watch --token "$TOKEN" --json | jq 'select(.type == "upload_failed")'`,
  );
  command.action(async () => {
    refuseStray(command, 1);
    end(await watch(host, command.args[0] ?? null, command.opts<Options>()));
  });
}

async function watch(host: Host, jobId: string | null, options: Options): Promise<number> {
  const url = baseUrl("--url", options.url);
  await requireReachable(url, "--url");
  const { token } = options;
  if (token === undefined || token === "") {
    const remedy = "take that of a user, or mint one with `progress-hub token --user ID`";
    throw new CommandFailed(exitCode.usage, `--token is missing; ${remedy}`);
  }
  const stop = new AbortController();
  const releases = (["SIGINT", "SIGTERM"] as const).map((signal) =>
    host.onSignal(signal, () => stop.abort()),
  );
  const store = new ProgressStore();
  const show = options.json === true ? jsonLines(host) : onScreen(host, url, store);
  try {
    await follow({ url, token, jobId, store, ...show.follow }, stop.signal);
  } finally {
    show.close();
    for (const release of releases) release();
  }
  const status = jobId === null ? null : store.job(jobId)?.status;
  return status === "FAILED" ? exitCode.failed : exitCode.done;
}

interface Show {
  readonly follow: Pick<FollowOptions, "onMessage" | "onStatus">;
  close(): void;
}

function jsonLines(host: Host): Show {
  return {
    follow: {
      onMessage: (text) => void host.stdout.write(`${text}\n`),
      onStatus: (text) => {
        if (text !== null) host.stderr.write(`${text}\n`);
      },
    },
    close: () => undefined,
  };
}

function onScreen(host: Host, url: string, store: ProgressStore): Show {
  const screen = createScreen(host.stdout, host.env, `${url} · Ctrl-C ends`, store);
  return { follow: { onStatus: screen.status }, close: screen.close };
}
