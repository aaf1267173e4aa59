/** What follows a benchmark's name on the command line: a number of nodes, or nothing. @throws Error that says what is wrong. */
export function nodeCount(args: readonly string[], standard: number): number {
  const [nodes, more] = args;
  if (more !== undefined) throw new Error(`${more} is too much: only a number of nodes is taken`);
  if (nodes === undefined) return standard;
  const count = Number(nodes);
  if (!Number.isInteger(count) || count < 1 || count > 10_000) {
    throw new Error(`the number of nodes is ${nodes}, which is no whole number from 1 to 10000`);
  }
  return count;
}
