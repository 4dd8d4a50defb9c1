import type { Command } from "commander";
import { ConfigError } from "../config/errors.ts";
import { readSettings } from "../config/load.ts";
import { CommandFailed, exitCode } from "./exit-codes.ts";
import type { Host } from "./host.ts";
import { requireToken } from "./mint.ts";
import { addSettings, durationMs, sourcesOf } from "./options.ts";

const KEYS = ["jwtSecret", "jwtIssuer", "jwtAudience", "jwtUserClaim"] as const;

export function addToken(program: Command, host: Host): void {
  const command = program
    .command("token")
    .description("mint a token for development (HS256), and print it alone")
    .option("--user <id>", "whose token it is")
    .option("--ttl <duration>", "how long it is valid", "1h");
  addSettings(command, KEYS).addHelpText(
    "after",
    `
Examples:
  progress-hub token --user demo --jwt-secret "$SECRET"
  PROGRESS_HUB_JWT_SECRET="$SECRET" progress-hub token --user alice --ttl 15m
  curl -N -H "Authorization: Bearer $(progress-hub token --user alice)" http://127.0.0.1:8080/api/v1/upload-progress`,
  );
  command.action(() => {
    const { user, ttl } = command.opts<{ user?: string; ttl: string }>();
    const { settings, valueProblems } = readSettings(sourcesOf(command, host, ["user", "ttl"]));
    if (valueProblems.length > 0) throw new ConfigError(valueProblems);
    if (user === undefined || user === "") {
      throw new CommandFailed(
        exitCode.usage,
        "--user is missing; say whose token it is, such as --user demo",
      );
    }
    host.stdout.write(`${requireToken(settings, user, durationMs("--ttl", ttl))}\n`);
  });
}
