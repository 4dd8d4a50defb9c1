/** `2.0 %` of a share of 0.02. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
