import type { PublishedTaskEvent } from '@rigel/contracts';
import fc from 'fast-check';
import t from 'tap';
import { type FollowedEvent, type NodeReport, summarize } from './reports.js';

const told = (type: PublishedTaskEvent['type'], data: Record<string, unknown>, task = 1) =>
  ({ type, data, stream: `task-${task}` }) as unknown as FollowedEvent;

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
    { state: 2, status: 1, task: 1, nodes: [1, 3] },
    { state: 3, status: 3, reason: 'x', task: 1, nodes: [2] },
    { state: 4, task: 1, nodes: [4] },
    { state: 1, task: 1, nodes: [5] },
  ]);
});

t.test('a stop and a timeout tell of the nodes they left unfinished', async (t) => {
  const report = summarize([
    told('BatchStarted', { batch: 0, nodes: [1, 2, 3] }),
    told('TaskStopped', { operator: 'x', nodes: [1, 2] }),
    told('TaskTimedOut', { deadline: 1, nodes: [3] }),
  ]);
  t.strictSame(report?.data.reports, [
    { state: 4, task: 1, nodes: [1, 2] },
    { state: 3, status: 3, reason: 'the time limit of the task', task: 1, nodes: [3] },
  ]);
});

t.test('the end of a run is not lost when the next one begins at once', async (t) => {
  const report = summarize([
    told('RunFailed', { run: 0, node: 7, step: 0, reason: 'x' }),
    told('BatchStarted', { batch: 0, nodes: [7] }, 2),
  ]);
  t.strictSame(report?.data.reports, [{ state: 1, status: 3, reason: 'x', task: 2, nodes: [7] }]);
});

t.test('a success takes the reason of the failure before it away, and has the tag that it put', async (t) => {
  const report = summarize([
    told('RunFailed', { run: 0, node: 7, step: 0, reason: 'x' }),
    told('RunSucceeded', { run: 0, node: 7, tag: 'web:7' }, 2),
    told('RunSucceeded', { run: 1, node: 8, tag: 'web:8' }, 2),
  ]);
  t.strictSame(report?.data.reports, [
    { state: 2, status: 1, tag: 'web:7', task: 2, nodes: [7] },
    { state: 2, status: 1, tag: 'web:8', task: 2, nodes: [8] },
  ]);
});

t.test('a failure after a success leaves the tag, and a long reason is shortened', async (t) => {
  const report = summarize([
    told('RunSucceeded', { run: 0, node: 7, tag: 'web:7' }),
    told('RunFailed', { run: 0, node: 7, step: 0, reason: 'é'.repeat(300) }, 2),
  ]);
  t.strictSame(report?.data.reports, [
    { state: 3, status: 3, tag: 'web:7', reason: `${'é'.repeat(254)}…`, task: 2, nodes: [7] },
  ]);
});

t.test('property: however the history is cut into batches, nodes end the same', async () => {
  const node = fc.integer({ min: 1, max: 5 });
  const task = fc.integer({ min: 1, max: 3 });
  const tag = fc.constantFrom(undefined, 'a', 'b');
  const event = fc.oneof(
    fc.tuple(fc.array(node), task).map(([nodes, id]) => told('BatchStarted', { batch: 0, nodes }, id)),
    fc.tuple(fc.array(node), task).map(([nodes, id]) => told('RunsHalted', { runs: [], nodes }, id)),
    fc.tuple(node, task, tag).map(([n, id, put]) => told('RunSucceeded', { run: 0, node: n, tag: put }, id)),
    fc
      .tuple(node, task, fc.constantFrom('x', 'y'))
      .map(([n, id, reason]) => told('RunFailed', { run: 0, node: n, step: 0, reason }, id)),
  );
  /** As the projection writes the rows. */
  const nodesAfter = (batches: FollowedEvent[][]) => {
    const nodes = new Map<number, NodeReport>();
    for (const { nodes: ids, ...report } of batches.flatMap((b) => summarize(b)?.data.reports ?? [])) {
      for (const id of ids) {
        const { status = 1, reason = '', tag: before = '' } = nodes.get(id) ?? {};
        nodes.set(id, {
          state: report.state,
          status: report.status ?? status,
          task: report.task ?? 0,
          reason: report.status === undefined ? reason : (report.reason ?? ''),
          tag: report.tag ?? before,
        });
      }
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
