import type { BrowserContext, JSHandle, Page } from "playwright-core";
import type { ClientEnvironment, FollowerThere } from "../client/environment.ts";
import type { Follower, FollowOptions } from "../client/follower.ts";
import { bundled } from "./bundle.ts";
import { launchChromium } from "./chromium.ts";
import { serveScript } from "./script-server.ts";

export interface PageEnvironment extends ClientEnvironment {
  readonly context: BrowserContext;
  readonly page: Page;
}

/** The SDK's entry for browsers in a page of Chromium. */
export async function pageEnvironment(): Promise<PageEnvironment> {
  const [browser, server] = await Promise.all([
    launchChromium(),
    bundled("test/browser/sdk-entry.ts", "production").then((script) => serveScript(script)),
  ]);
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(server.url);
  const open: FollowerThere[] = [];
  return {
    context,
    page,
    origin: server.url,
    async follow(options: FollowOptions) {
      const follower = thereOf(await page.evaluateHandle((given) => window.follow(given), options));
      open.push(follower);
      return follower;
    },
    async clear() {
      for (const follower of open.splice(0)) await follower.close();
    },
    async close() {
      await browser.close();
      server.close();
    },
  };
}

function thereOf(follower: JSHandle<Follower>): FollowerThere {
  return {
    state: () => follower.evaluate((it) => it.state()),
    states: () => follower.evaluate((it) => it.states()),
    tokensAsked: () => follower.evaluate((it) => it.tokensAsked()),
    jobIds: () => follower.evaluate((it) => it.jobIds()),
    photo: (...ids) => follower.evaluate((it, given) => it.photo(...given), ids),
    photos: (jobId) => follower.evaluate((it, given) => it.photos(given), jobId),
    done: (jobId) => follower.evaluate((it, given) => it.done(given), jobId),
    read: (jobId) => follower.evaluate((it, given) => it.read(given), jobId),
    close: () => follower.evaluate((it) => it.close()),
  };
}
