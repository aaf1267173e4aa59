import type { Preview } from '@rigel/api-client';
import t from 'tap';
import { planChanges } from './plan-changes.js';

const row = (ip: string) => ({ node_id: 1, ip, vm_id: '', pool_id: 4, batch: 1 });

function preview(plan: string, ips: string[], changed: Partial<Preview> = {}): Preview {
  return {
    ...{ plan, refused: null, template: { id: 3, name: 'rollout' }, at_once: 1, example: null, warnings: [] },
    tasks: [
      {
        ...{ name: 'deploy', pool_id: 4, pool_name: 'shop', nodes: ips.length },
        ...{ batch_size: 1, batches: ips.length, max_failed: null },
      },
    ],
    nodes: { count: ips.length, to_make: 0, rows: ips.map(row) },
    left_out: { count: 0, rows: [] },
    steps: [
      {
        ...{ name: 'start', kind: 'remote', retry_times: 0, ignore_error: false, timeout: 60 },
        params: [{ name: 'tag', value: 'shop:7', secret: false, source: 'call' }],
        actions: [{ name: 'run', module: 'shell', script: 'run shop:7', cut: false }],
      },
    ],
    duration: null,
    ...changed,
  };
}
const hash = (catalog: string, parameters: string, nodes: string, settings = 's', template = 't') =>
  ['all', template, catalog, parameters, nodes, settings, '2'].join('.');

t.test('nodes that came and went are named, with the batches that follow', async (t) => {
  const before = preview(hash('c', 'p', 'n'), ['a', 'b']);
  t.strictSame(planChanges(before, before), []);
  t.strictSame(planChanges(before, preview(hash('c', 'p', 'm'), ['b', 'c', 'd'])), [
    { kind: 'nodes', before: 2, after: 3, joined: ['c', 'd'], left: ['a'] },
    { kind: 'batches', pool: 'shop', before: '2 × 1', after: '3 × 1' },
  ]);
});

t.test('nodes of plans that list only some of them are counted, not named', async (t) => {
  const long = (plan: string, count: number): Preview =>
    preview(plan, ['a', 'b'], { nodes: { count, to_make: 0, rows: [row('a'), row('b')] } });
  t.strictSame(planChanges(long(hash('c', 'p', 'n'), 500), long(hash('c', 'p', 'm'), 499)), [
    { kind: 'nodes', before: 500, after: 499 },
  ]);
});

t.test('a value is shown with what it was; its script is no change of its own', async (t) => {
  const before = preview(hash('c', 'p', 'n'), ['a']);
  const [step] = before.steps;
  if (!step) throw new Error('the preview has a step');
  const params = [{ name: 'tag', value: 'shop:8', secret: false, source: 'service' as const }];
  const actions = [{ name: 'run', module: 'shell', script: 'run shop:8', cut: false }];
  const after = preview(hash('c', 'q', 'n'), ['a'], { steps: [{ ...step, params, actions }] });
  t.strictSame(planChanges(before, after), [
    { kind: 'value', step: 'start', name: 'tag', before: 'shop:7', after: 'shop:8' },
  ]);
  const edited = preview(hash('d', 'p', 'n'), ['a'], { steps: [{ ...step, actions }] });
  t.strictSame(planChanges(before, edited), [{ kind: 'script', step: 'start', action: 'run' }]);
});

t.test('what the plans do not show is named by its part', async (t) => {
  const before = preview(hash('c', 'p', 'n'), ['a']);
  t.strictSame(planChanges(before, preview(hash('d', 'p', 'm', 'x', 'y'), ['a'])), [
    { kind: 'part', part: 'template' },
    { kind: 'part', part: 'catalog' },
    { kind: 'part', part: 'nodes' },
    { kind: 'part', part: 'settings' },
  ]);
});
