import { parseRedisUrl } from "../redis/url.ts";
import { type Settings, settingKeys, settingOf } from "./schema.ts";

/** What no log may hold. By whoever reads the settings: other processes need not load their schema for it. */
export function secretsOf(settings: Settings): readonly string[] {
  const redisPassword = settings.redis === null ? null : parseRedisUrl(settings.redis).password;
  return settingKeys
    .filter((key) => settingOf(key).secret === true)
    .flatMap((key) => settings[key])
    .concat(redisPassword)
    .filter((value) => typeof value === "string");
}
