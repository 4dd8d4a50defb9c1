import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { settingsTable } from "../../src/config/docs.ts";
import { errorCatalogue } from "../../src/errors.ts";
import { contractIdOf } from "../../src/ingest/tusd.ts";
import { metricNames, metricOf, PREFIX } from "../../src/metrics/table.ts";
import { STATE_TYPES } from "../clients/watcher.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

it("docs/settings.md holds the table of config docs, as it is now", () => {
  expect(read("docs/settings.md")).toContain(settingsTable().trim());
});

it("the docs name every message type, close code and event rejection", () => {
  const clients = read("docs/clients.md");
  const events = read("docs/events.md");
  for (const type of STATE_TYPES) expect(clients).toContain(`\`${type}\``);
  for (const { closeCode } of Object.values(errorCatalogue)) {
    if (closeCode !== null) expect(clients).toContain(String(closeCode));
  }
  for (const [code, { status }] of Object.entries(errorCatalogue)) {
    if (status === 422) expect(events).toContain(`\`${code}\``);
  }
});

it("docs/events.md shows how an Upload.ID becomes an id", () => {
  expect(read("docs/events.md")).toContain(`abc+def  ->  ${contractIdOf("abc+def")}`);
});

it("docs/operations.md holds the table of metrics, as it is now, and names no other", () => {
  const text = read("docs/operations.md");
  const rows = metricNames.map((name) => {
    const { type, labels, help } = metricOf(name);
    return `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(" ")} | ${help} |`;
  });
  expect(text).toContain(["| name | type | labels | meaning |", "|---|---|---|---|", ...rows, ""].join("\n"));
  const named = text.matchAll(new RegExp(`${PREFIX}([a-z_]+[a-z])`, "g"));
  for (const [, name = ""] of named) expect(metricNames).toContain(name.replace(/_bucket$/, ""));
});
