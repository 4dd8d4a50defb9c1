import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { CATALOGUE } from "../../bench/gates/catalogue.ts";
import { SCENARIOS } from "../../bench/scenarios/all.ts";
import { BASELINES } from "../../bench/vs/baselines.ts";
import { PROFILES, profileJson } from "../../simulator/profiles.ts";
import { settingsTable } from "../../src/config/docs.ts";
import { errorCatalogue } from "../../src/errors.ts";
import { contractIdOf } from "../../src/ingest/tusd.ts";
import { metricNames, metricOf, PREFIX } from "../../src/metrics/table.ts";
import { STATE_TYPES } from "../clients/watcher.ts";
import { command } from "./cli-harness.ts";

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

it("docs/bench.md names every scenario, metric, baseline and flag of bench, and each gate of ours", async () => {
  const text = read("docs/bench.md");
  const baselines = new RegExp(`^(${BASELINES.join("|")})\\.`);
  const metrics = [...CATALOGUE.values()].flatMap((known) => [...known.keys()]);
  const names = [
    ...[...SCENARIOS.map(({ id }) => id), ...[...CATALOGUE.keys()].filter((id) => id !== "vs")],
    ...[...metrics.map((name) => name.replace(baselines, "")), ...BASELINES],
  ];
  for (const name of new Set(names)) expect(text).toContain(`\`${name}\``);
  const helps = [await command(["bench", "--help"]), await command(["bench", "compare", "--help"])];
  const flags = helps.flatMap(({ out }) =>
    [...out.matchAll(/^ +(--[a-z-]+)/gm)].map(([, flag = ""]) => flag),
  );
  expect(flags.length).toBeGreaterThan(10);
  for (const flag of flags) expect(text).toContain(flag);
  const gates: unknown = JSON.parse(read("bench/gates.json"));
  const gated = Object.keys(gates instanceof Object ? gates : {}).map((key) =>
    key.slice(key.indexOf(".") + 1),
  );
  const table = text.slice(text.indexOf("## Gates"), text.indexOf("## Reading the result"));
  const transports = ["socketio", "websocket", "sse", "polling"];
  for (const name of gated.map((metric) => metric.replace(baselines, ""))) {
    if (transports.includes(name) || name === "messages") continue;
    expect(table).toContain(name);
  }
});

it("docs/simulate.md names every flag of simulate, every profile, and every key of one", async () => {
  const text = read("docs/simulate.md");
  const { out } = await command(["simulate", "--help"]);
  const flags = [...out.matchAll(/^ +(--[a-z-]+)/gm)].map(([, flag = ""]) => flag);
  expect(flags.length).toBeGreaterThan(15);
  for (const flag of flags) expect(text).toContain(flag);
  for (const name of PROFILES) expect(text).toContain(`\`${name}\``);
  const keys = PROFILES.flatMap((name) =>
    [...profileJson(name).matchAll(/"(\w+)":/g)].map(([, key = ""]) => key),
  );
  for (const key of new Set(keys)) if (key !== "about" && key !== "weight") expect(text).toContain(key);
});

it("docs/examples.md quotes the files that the tests run, as they are", () => {
  const text = read("docs/examples.md");
  for (const [name, language] of [
    ["socketio.html", "html"],
    ["react.tsx", "tsx"],
    ["react-native.ts", "ts"],
  ]) {
    expect(text).toContain(`\`\`\`${language}\n${read(`docs/examples/${name}`)}\`\`\`\n`);
  }
});

const pages = [
  "README.md",
  ...readdirSync(new URL("../../docs", import.meta.url)).map((name) => `docs/${name}`),
];

it.each(pages.filter((page) => page.endsWith(".md")))(
  "every link and picture of %s leads somewhere",
  (page) => {
    const text = read(page);
    const anchors = (of: string): readonly string[] =>
      [...of.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
        title
          .toLowerCase()
          .replace(/[^a-z0-9 .-]/g, "")
          .replaceAll(".", "")
          .replaceAll(" ", "-"),
      );
    const links = [...text.replace(/```[\s\S]*?```/g, "").matchAll(/\]\((?!https:)([^)#]*)(?:#([^)]*))?\)/g)];
    for (const [, file = "", anchor] of links) {
      const at = new URL(file, new URL(`../../${page}`, import.meta.url));
      expect([file, existsSync(at)]).toEqual([file, true]);
      if (anchor !== undefined)
        expect(anchors(file === "" ? text : readFileSync(at, "utf8"))).toContain(anchor);
    }
  },
);
