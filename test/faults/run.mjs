// `npm run test:faults`: the scenarios of design/faults.md by row, with a seed, once or again and again.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { styleText } from "node:util";
import { Command, InvalidArgumentError } from "commander";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** `isApart`: runs where it is named alone. @type {{row: string, fault: string, files: string[], isApart?: boolean}[]} */
const ROWS = JSON.parse(readFileSync(new URL("rows.json", import.meta.url), "utf8"));
const CONFIG = fileURLToPath(new URL("../vitest.config.ts", import.meta.url));
const MAX_SEED = 2 ** 32 - 1;

const command = new Command("npm run test:faults --")
  .description(
    "what the hub promises under faults, each with an oracle that finds what is lost, foreign or disordered",
  )
  .option(
    "--only <rows>",
    "these rows alone, with commas: see --list (default: those of a number, and oracle)",
    rowsOf,
  )
  .option("--seed <n>", "of all that is random in them: loads, moments, orders", numberFrom(0, MAX_SEED), 1)
  .option("--repeat <n>", "so many times, each with the next seed", numberFrom(1, 1_000), 1)
  .option("--list", "print the rows and end")
  .addHelpText(
    "after",
    `
Examples:
  npm run test:faults
  npm run test:faults -- --only 2,9 --seed 7
  npm run test:faults -- --only 11 --repeat 10`,
  )
  .parse();
const { only = ROWS.filter(({ isApart }) => !isApart), seed, repeat, list = false } = command.opts();

if (list) {
  for (const { row, fault, files } of ROWS) console.log(`${row.padEnd(9)} ${fault} (${files.join(", ")})`);
  process.exit(0);
}

let failed = 0;
for (let round = 0; round < repeat; round += 1) {
  const files = [...new Set(only.flatMap((row) => row.files))];
  const results = await run(files, seed + round);
  failed += tell(results, seed + round);
}
process.exit(failed === 0 ? 0 : 1);

/** By file: how it ended and how long it took; null: it did not run to its end. */
async function run(files, withSeed) {
  const folder = mkdtempSync(join(tmpdir(), "progress-hub-faults-"));
  const report = join(folder, "report.json");
  const paths = files.map((file) => `test/faults/${file}.test.ts`);
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const child = spawn(
    "npx",
    ["vitest", "run", "-c", CONFIG, "--project", "faults*", ...reporters, ...paths],
    { cwd: root, stdio: "inherit", env: { ...process.env, FAULTS: "all", FAULTS_SEED: String(withSeed) } },
  );
  await new Promise((resolve) => child.once("close", resolve));
  try {
    const { testResults } = JSON.parse(readFileSync(report, "utf8"));
    return new Map(testResults.map((file) => [basename(file.name, ".test.ts"), file]));
  } catch {
    return new Map();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A line for each row; gives back how many are red. */
function tell(results, withSeed) {
  console.log(`\nfaults, seed ${withSeed}`);
  let red = 0;
  for (const { row, fault, files } of only) {
    const tests = files.flatMap((file) => results.get(file)?.assertionResults ?? [{ status: "failed" }]);
    const count = (status) => tests.filter((test) => test.status === status).length;
    const seconds = files.reduce((sum, file) => sum + lasted(results.get(file)), 0) / 1_000;
    const isRed = count("failed") > 0 || files.some((file) => results.get(file)?.status !== "passed");
    if (isRed) red += 1;
    const skipped = tests.length - count("passed") - count("failed");
    const counts = [
      `${count("passed")} passed`,
      ...(count("failed") > 0 ? [`${count("failed")} failed`] : []),
      ...(skipped > 0 ? [`${skipped} skipped`] : []),
    ].join(", ");
    const mark = isRed ? styleText("red", "✗") : styleText("green", "✓");
    console.log(
      `${mark} ${row.padEnd(9)} ${fault.padEnd(58)} ${counts.padEnd(22)} ${seconds.toFixed(0).padStart(4)} s`,
    );
    if (isRed) console.log(`  again: npm run test:faults -- --only ${row} --seed ${withSeed}`);
  }
  return red;
}

function lasted(file) {
  return file === undefined ? 0 : file.endTime - file.startTime;
}

function rowsOf(text) {
  return text.split(",").map((name) => {
    const row = ROWS.find((one) => one.row === name.trim());
    if (row === undefined) {
      throw new InvalidArgumentError(
        `there is no row ${name}; the rows are ${ROWS.map((one) => one.row).join(", ")}`,
      );
    }
    return row;
  });
}

function numberFrom(least, most) {
  return (text) => {
    const number = Number(text);
    if (Number.isInteger(number) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`should be a whole number from ${least} to ${most}`);
  };
}
