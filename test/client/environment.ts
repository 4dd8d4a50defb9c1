import { until } from "../../simulator/oracle/until.ts";
import { connect } from "../../src/client/node.ts";
import type { ConnectionState } from "../../src/client/session.ts";
import { Follower, type FollowOptions } from "./follower.ts";

/** A Follower, wherever it is: what it answers may take a while. */
export type FollowerThere = {
  readonly [Name in keyof Follower]: (
    ...args: Parameters<Follower[Name]>
  ) => ReturnType<Follower[Name]> | Promise<Awaited<ReturnType<Follower[Name]>>>;
};

/** Where the SDK runs, with the WebSocket, fetch and timers of the place. */
export interface ClientEnvironment {
  /** Of the page that it runs in, which is never the hub's; null: there is no page, and no CORS. */
  readonly origin: string | null;
  follow(options: FollowOptions): Promise<FollowerThere>;
  /** Closes all that follow. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

export async function nodeEnvironment(): Promise<ClientEnvironment> {
  const open: Follower[] = [];
  const clear = async (): Promise<void> => {
    for (const follower of open.splice(0)) follower.close();
  };
  return {
    origin: null,
    async follow(options) {
      const follower = new Follower(connect, options);
      open.push(follower);
      return follower;
    },
    clear,
    close: clear,
  };
}

/** Waits for a state that is, or was. */
export async function untilState(
  follower: FollowerThere,
  what: string,
  isIt: (state: ConnectionState) => boolean,
): Promise<void> {
  let states: readonly ConnectionState[] = [];
  const story = (): string => states.map((state) => JSON.stringify(state)).join("\n");
  const look = async (): Promise<boolean> => {
    states = await follower.states();
    return states.some(isIt);
  };
  await until(look, what, 10_000, story);
}

/** Waits until it is so now. */
export async function untilLive(follower: FollowerThere, transport?: string): Promise<void> {
  let states: readonly ConnectionState[] = [];
  const look = async (): Promise<boolean> => {
    states = await follower.states();
    const last = states.at(-1);
    const isLive = last?.phase === "live" || last?.phase === "polling";
    return isLive && (transport === undefined || last.transport === transport);
  };
  const story = (): string => states.map((state) => JSON.stringify(state)).join("\n");
  await until(look, `live${transport === undefined ? "" : ` by ${transport}`}`, 10_000, story);
}

export async function untilShown(follower: FollowerThere, jobId: string, photoId: string): Promise<void> {
  await until(
    async () => (await follower.photo(jobId, photoId)) !== null,
    `${photoId} of ${jobId} is shown`,
    10_000,
  );
}
