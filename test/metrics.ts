/** The series of `/metrics` by name and labels, such as `connections{transport="sse"}`, without the prefix. */
export async function scrape(internalUrl: string): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`${internalUrl}/metrics`);
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  const lines = (await response.text()).matchAll(/^progress_hub_(\S+(?: \S+)*) (\S+)$/gm);
  return new Map([...lines].map(([, series = "", value]) => [series, Number(value)]));
}
