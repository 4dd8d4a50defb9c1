import axeCore from "axe-core";
import type { Page } from "playwright-core";

interface Violation {
  readonly id: string;
  readonly impact: string | null;
  readonly help: string;
  readonly nodes: readonly { readonly target: readonly unknown[] }[];
}

/**
 * What axe-core finds serious or critical in the page as it is now, a line each. Of a context with `bypassCSP`, since the
 * pages allow no script that is not theirs.
 */
export async function seriousIssues(page: Page): Promise<readonly string[]> {
  await page.addScriptTag({ content: axeCore.source });
  const violations = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
    return (await axe.run()).violations;
  });
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(
      ({ id, help, nodes }) => `${id}: ${help} (${nodes.map(({ target }) => target.join(" ")).join(", ")})`,
    );
}
