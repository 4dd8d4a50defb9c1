import type { BrowserContext, Page } from "playwright-core";
import { until } from "../../simulator/oracle/until.ts";

/** What the uploads page shows of a photo. */
interface ShownPhoto {
  readonly photoId: string;
  readonly status: string;
  readonly progress: number | null;
}

/**
 * Looks at every change of a photo's row, from the first and across reloads of the tab: a percent that fell, without
 * another attempt, or a photo that had ended and is under way again.
 */
export function witness(): void {
  const KEPT = "witness";
  const kept = sessionStorage.getItem(KEPT);
  const seen: Record<string, { progress: number; status: string; text: string }> =
    kept === null ? {} : JSON.parse(kept);
  const found: string[] = JSON.parse(sessionStorage.getItem("found") ?? "[]");
  const ended = ["COMPLETED", "FAILED", "CANCELLED"];
  const attempt = (text: string): number => Number(/attempt (\d+)/.exec(text)?.[1] ?? 1);
  const look = (row: Element): void => {
    const photoId = row.getAttribute("data-photo") ?? "";
    const status = row.getAttribute("data-status") ?? "";
    const progress = Number(row.getAttribute("data-progress") || 0);
    const text = row.querySelector(".state")?.textContent ?? "";
    const before = seen[photoId];
    if (before !== undefined && attempt(text) <= attempt(before.text)) {
      if (before.status !== "FAILED" && ended.includes(before.status) && before.status !== status)
        found.push(`${photoId}: ${before.status} became ${status}`);
      else if (status === "UPLOADING" && before.status === "UPLOADING" && progress < before.progress)
        found.push(`${photoId}: ${before.progress} % became ${progress} % (${before.text}; ${text})`);
    }
    seen[photoId] = { progress, status, text };
  };
  const lookAtAll = (): void => {
    for (const row of document.querySelectorAll("[data-photo]")) look(row);
  };
  addEventListener("pagehide", () => {
    sessionStorage.setItem(KEPT, JSON.stringify(seen));
    sessionStorage.setItem("found", JSON.stringify(found));
  });
  Object.assign(window, { witnessed: found });
  new MutationObserver(lookAtAll).observe(document, {
    ...{ subtree: true, childList: true, attributes: true },
    attributeFilter: ["data-progress", "data-status"],
  });
}

/** The uploads page of a user, with somebody who looks at it all the time. */
export async function openUploads(context: BrowserContext, url: string, token: string): Promise<Page> {
  const page = await context.newPage();
  await page.addInitScript(witness);
  await page.goto(`${url}/#token=${token}`);
  await untilConnected(page);
  return page;
}

export async function untilConnected(
  page: Page,
  phases: readonly string[] = ["live", "polling"],
): Promise<void> {
  await page.waitForSelector(phases.map((phase) => `.badge[data-phase=${phase}]`).join(), {
    timeout: 20_000,
  });
}

export function transportOf(page: Page): Promise<string | null> {
  return page.getAttribute(".top .badge", "data-transport");
}

/** What the witness found so far. */
export function wentBackwards(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => (window as unknown as { witnessed: string[] }).witnessed);
}

/** The job's card shows that it has ended. */
export async function untilEnded(page: Page, jobId: string, timeoutMs = 40_000): Promise<void> {
  await page.waitForSelector(
    `[data-job="${jobId}"]:is([data-status=COMPLETED],[data-status=PARTIAL],[data-status=FAILED])`,
    { timeout: timeoutMs },
  );
}

/** The job is under way, and some of it is there. */
export async function untilBegun(page: Page, jobId: string): Promise<void> {
  await until(
    async () => (await photosOf(page, jobId)).filter(({ progress }) => (progress ?? 0) > 20).length >= 2,
    `photos of ${jobId} under way`,
    20_000,
  );
}

function photosOf(page: Page, jobId: string): Promise<ShownPhoto[]> {
  return page.evaluate((wanted) => {
    const rows = document.querySelectorAll(`[data-job="${wanted}"] [data-photo]`);
    return [...rows].map((row) => {
      const progress = row.getAttribute("data-progress");
      return {
        photoId: row.getAttribute("data-photo") ?? "",
        status: row.getAttribute("data-status") ?? "",
        progress: progress === null || progress === "" ? null : Number(progress),
      };
    });
  }, jobId);
}

/** By photo; opens the list where the card has closed it. */
export async function endingsShown(page: Page, jobId: string): Promise<ReadonlyMap<string, string>> {
  const toggle = page.locator(`[data-job="${jobId}"] .toggle[aria-expanded=false]`);
  if ((await toggle.count()) > 0) await toggle.click();
  await page.waitForSelector(`[data-job="${jobId}"] [data-photo]`);
  return new Map((await photosOf(page, jobId)).map(({ photoId, status }) => [photoId, status]));
}
