/**
 * Nodes in a batch: the given percentage of all, rounded down, at most `maxNum` (0 = no limit), at least one.
 * @param maxRatio percent, 1 to 100.
 */
export function batchSizeOf(nodes: number, maxRatio: number, maxNum: number): number {
  const byRatio = Math.floor((nodes * maxRatio) / 100);
  return Math.max(1, maxNum > 0 ? Math.min(byRatio, maxNum) : byRatio);
}

/** Failed nodes that are tolerated: the stricter of the two limits; null = no budget. */
export function failureBudgetOf(
  nodes: number,
  maxNum: number | undefined,
  maxRatio: number | undefined,
): number | null {
  const limits = [];
  if (maxNum !== undefined) limits.push(maxNum);
  if (maxRatio !== undefined) limits.push(Math.floor((nodes * maxRatio) / 100));
  return limits.length === 0 ? null : Math.min(...limits);
}
