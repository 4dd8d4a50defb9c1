import type { Command } from "commander";
import { environmentFile, settingsReport, settingsTable } from "../config/docs.ts";
import { ConfigError } from "../config/errors.ts";
import { readSettings } from "../config/load.ts";
import { exitCode } from "./exit-codes.ts";
import type { Host } from "./host.ts";
import type { End } from "./main.ts";
import { addSettings, refuseStray, sourcesOf, takesAnything } from "./options.ts";

export function addConfig(program: Command, host: Host, end: End): void {
  const config = program
    .command("config")
    .description("show and check the configuration")
    .addHelpText(
      "after",
      `
Examples:
  progress-hub config check --config hub.json
  PROGRESS_HUB_PORT=9000 progress-hub config print
  progress-hub config docs > settings.md
  progress-hub config env > .env`,
    );

  const print = addSettings(
    config.command("print").description("effective values and where each came from, without secrets"),
  );
  print.addHelpText("after", "\nExample:\n  progress-hub config print --config hub.json --port 9000");
  print.action(() => {
    const read = readSettings(sourcesOf(print, host));
    host.stdout.write(settingsReport(read));
    warn(host, read.warnings);
    if (read.problems.length > 0) throw new ConfigError(read.problems);
  });

  const check = addSettings(
    config.command("check").description("0: the hub would start with it; 2: every problem, one a line"),
  );
  check.addHelpText("after", "\nExample:\n  progress-hub config check --config hub.json");
  check.action(() => {
    const { problems, warnings } = readSettings(sourcesOf(check, host));
    warn(host, warnings);
    if (problems.length > 0) throw new ConfigError(problems);
    host.stdout.write("The configuration is valid.\n");
    end(exitCode.done);
  });

  const docs = takesAnything(config.command("docs").description("all settings as a Markdown table"));
  docs.addHelpText("after", "\nExample:\n  progress-hub config docs > settings.md");
  docs.action(() => {
    refuseStray(docs, 0);
    host.stdout.write(settingsTable());
  });

  const env = takesAnything(
    config.command("env").description("all environment variables, as a commented .env file"),
  );
  env.addHelpText("after", "\nExample:\n  progress-hub config env > .env");
  env.action(() => {
    refuseStray(env, 0);
    host.stdout.write(environmentFile());
  });
}

function warn(host: Host, warnings: readonly string[]): void {
  for (const line of warnings) host.stderr.write(`progress-hub: ${line}\n`);
}
