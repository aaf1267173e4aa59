/** Letters that are compared: people mistype fewer, and each letter costs time. */
const COMPARED = 100;

/** The known name that begins with the given one, otherwise the one that needs the fewest single-letter changes. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const longer = known.find((candidate) => candidate.startsWith(name));
  if (longer !== undefined) return longer;
  const start = name.slice(0, COMPARED);
  const byDistance = known.map((candidate) => ({ candidate, distance: editDistance(start, candidate) }));
  return byDistance.sort((a, b) => a.distance - b.distance)[0]?.candidate;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      const substituted = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(substituted, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
