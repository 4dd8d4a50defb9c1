import { connect } from "../../src/client/index.ts";
import { Follower, type FollowOptions } from "../client/follower.ts";

declare global {
  interface Window {
    follow(options: FollowOptions): Follower;
  }
}

window.follow = (options) => new Follower(connect, options);
