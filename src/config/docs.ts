import type { Loaded } from "./load.ts";
import { envOf, flagOf, type SettingKey, settingKeys, settingOf } from "./schema.ts";

/** The default as a user would write it; empty: none. */
export function defaultOf(key: SettingKey): string {
  const { defaultDoc, kind, default: value } = settingOf(key);
  return defaultDoc ?? kind.show(value);
}

/** The reference of all settings as a Markdown table. */
export function settingsTable(): string {
  const rows = settingKeys.map((key) => {
    const { kind, doc } = settingOf(key);
    const cells = [
      code(flagOf(key)),
      code(envOf(key)),
      code(key),
      code(kind.placeholder),
      defaultOf(key) || "none",
      doc,
    ];
    return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  });
  return [
    "| flag | variable | key in the file | value | default | meaning |",
    "|---|---|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

/** Every environment variable with its meaning, in the form of a `.env` file: all commented out, defaults filled in. */
export function environmentFile(): string {
  const blocks = settingKeys.map((key) => {
    const { doc, kind, default: value } = settingOf(key);
    return `# ${doc}\n#${envOf(key)}=${kind.show(value)}\n`;
  });
  return blocks.join("\n");
}

/** Effective values and where each came from, as aligned columns; secrets and contents of files are not shown. */
export function settingsReport({ settings, origins }: Pick<Loaded, "settings" | "origins">): string {
  const rows = settingKeys.map((key) => [key, showValue(key, settings[key]), origins[key]] as const);
  const width = (column: 0 | 1): number => Math.max(...rows.map((row) => row[column].length));
  return rows
    .map(([key, value, origin]) => `${key.padEnd(width(0))}  ${value.padEnd(width(1))}  ${origin}\n`)
    .join("");
}

function showValue(key: SettingKey, value: unknown): string {
  const { kind, secret, holdsFiles } = settingOf(key);
  const count = Array.isArray(value) ? value.length : Number(value !== null);
  if (count === 0) return "-";
  if (secret === true) return "(secret)".concat(count > 1 ? ` x ${count}` : "");
  if (holdsFiles === true) return `(${count} PEM file${count > 1 ? "s" : ""})`;
  return kind.show(value);
}

function code(text: string): string {
  return `\`${text}\``;
}
