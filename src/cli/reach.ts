import { connect } from "node:net";
import { codeOf } from "../config/sources.ts";
import { CommandFailed, exitCode } from "./exit-codes.ts";

const REACH_TIMEOUT_MS = 5_000;

/** Throws `CommandFailed` with the code for unreachable unless something accepts connections at the address. */
export async function requireReachable(url: string, flag: string): Promise<void> {
  const { hostname, port, protocol } = new URL(url);
  const standard = protocol === "https:" ? 443 : 80;
  const reason = await tryConnect(hostname.replace(/^\[|\]$/g, ""), port === "" ? standard : Number(port));
  if (reason === null) return;
  throw new CommandFailed(
    exitCode.unreachable,
    `can't reach ${url} (${reason}); is the hub running, and is ${flag} right?`,
  );
}

function tryConnect(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: REACH_TIMEOUT_MS });
    const end = (reason: string | null): void => {
      socket.destroy();
      resolve(reason);
    };
    socket.on("connect", () => end(null));
    socket.on("timeout", () => end("ETIMEDOUT"));
    socket.on("error", (error) => end(codeOf(error)));
  });
}
