import type { PublishedTaskEvent } from '@rigel/contracts';
import fc from 'fast-check';
import t from 'tap';
import { summarize } from './reports.js';

const told = (type: PublishedTaskEvent['type'], data: Record<string, unknown>) =>
  ({ type, data }) as unknown as PublishedTaskEvent;

t.test('events that are not about nodes record nothing', async (t) => {
  t.equal(summarize([]), undefined);
  t.equal(summarize([told('BatchStarted', { batch: 0, nodes: [] })]), undefined);
});

t.test('nodes with the same news stand together', async (t) => {
  const report = summarize([
    told('BatchStarted', { batch: 0, nodes: [1, 2, 3, 4, 5] }),
    told('RunSucceeded', { run: 0, node: 1 }),
    told('RunFailed', { run: 1, node: 2, step: 0, reason: 'x' }),
    told('RunSucceeded', { run: 2, node: 3 }),
    told('RunsHalted', { runs: [3], nodes: [4] }),
  ]);
  t.strictSame(report?.data.reports, [
    { state: 2, status: 1, nodes: [1, 3] },
    { state: 3, status: 3, nodes: [2] },
    { state: 4, nodes: [4] },
    { state: 1, nodes: [5] },
  ]);
});

t.test('a stop and a timeout tell of the nodes they left unfinished', async (t) => {
  const report = summarize([
    told('BatchStarted', { batch: 0, nodes: [1, 2, 3] }),
    told('TaskStopped', { operator: 'x', nodes: [1, 2] }),
    told('TaskTimedOut', { deadline: 1, nodes: [3] }),
  ]);
  t.strictSame(report?.data.reports, [
    { state: 4, nodes: [1, 2] },
    { state: 3, status: 3, nodes: [3] },
  ]);
});

t.test('the end of a run is not lost when the next one begins at once', async (t) => {
  const report = summarize([
    told('RunFailed', { run: 0, node: 7, step: 0, reason: 'x' }),
    told('BatchStarted', { batch: 0, nodes: [7] }),
  ]);
  t.strictSame(report?.data.reports, [{ state: 1, status: 3, nodes: [7] }]);
});

t.test('property: however the history is cut into batches, nodes end the same', async () => {
  const node = fc.integer({ min: 1, max: 5 });
  const event = fc.oneof(
    fc.array(node).map((nodes) => told('BatchStarted', { batch: 0, nodes })),
    fc.array(node).map((nodes) => told('RunsHalted', { runs: [], nodes })),
    node.map((n) => told('RunSucceeded', { run: 0, node: n })),
    node.map((n) => told('RunFailed', { run: 0, node: n, step: 0, reason: '' })),
  );
  const nodesAfter = (batches: PublishedTaskEvent[][]) => {
    const nodes = new Map<number, { state: number; status: number }>();
    for (const { state, status, nodes: ids } of batches.flatMap((b) => summarize(b)?.data.reports ?? [])) {
      for (const id of ids) nodes.set(id, { state, status: status ?? nodes.get(id)?.status ?? 0 });
    }
    return [...nodes].sort(([a], [b]) => a - b);
  };
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), fc.nat(30), (events, cut) => {
      const oneByOne = nodesAfter(events.map((e) => [e]));
      const inTwo = nodesAfter([events.slice(0, cut), events.slice(cut)]);
      return JSON.stringify(oneByOne) === JSON.stringify(inTwo);
    }),
    { numRuns: 300 },
  );
});
