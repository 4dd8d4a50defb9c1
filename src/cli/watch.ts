import type { Command } from "commander";
import { CommandFailed, exitCode } from "./exit-codes.ts";
import type { Host } from "./host.ts";
import type { End } from "./main.ts";
import { baseUrl, refuseStray, takesAnything } from "./options.ts";
import { requireReachable } from "./reach.ts";
import { parseMessage } from "./watch/message.ts";
import { createScreen } from "./watch/screen.ts";
import { followStream, type StreamEvents } from "./watch/stream.ts";

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
  const ending = jobEnding(jobId);
  const show = options.json === true ? jsonEvents(host) : screenEvents(host, url);
  try {
    const events: StreamEvents = {
      ...show.events,
      frame: (text) => {
        show.events.frame(text);
        return ending.isOver(text);
      },
    };
    await followStream({ url, token, jobId }, events, stop.signal);
  } finally {
    show.close();
    for (const release of releases) release();
  }
  return ending.status() === "FAILED" ? exitCode.failed : exitCode.done;
}

interface Show {
  readonly events: StreamEvents;
  close(): void;
}

function jsonEvents(host: Host): Show {
  return {
    events: {
      opened: () => undefined,
      frame: (text) => {
        host.stdout.write(`${text}\n`);
        return false;
      },
      waiting: (afterMs, reason) => void host.stderr.write(`${waitingLine(afterMs, reason)}\n`),
    },
    close: () => undefined,
  };
}

function screenEvents(host: Host, url: string): Show {
  const screen = createScreen(host.stdout, host.env, `${url} · Ctrl-C ends`);
  return {
    events: {
      opened: () => {
        screen.opened();
        screen.status(null);
      },
      frame: (text) => {
        screen.frame(text);
        return false;
      },
      waiting: (afterMs, reason) => screen.status(waitingLine(afterMs, reason)),
    },
    close: () => screen.close(),
  };
}

function waitingLine(afterMs: number, reason: string): string {
  return `${reason}; coming back in ${(afterMs / 1_000).toFixed(1)} s`;
}

/** Over when the job has ended and everything up to the head was received: what is left may follow its message. */
function jobEnding(jobId: string | null): { isOver(frame: string): boolean; status(): string | null } {
  let status: string | null = null;
  let synced = false;
  return {
    isOver: (frame) => {
      if (jobId === null) return false;
      const message = parseMessage(frame);
      if (message?.type === "synced") synced = true;
      if (message?.type === "job_completed" && message.jobId === jobId) status = message.status;
      return synced && status !== null;
    },
    status: () => status,
  };
}
