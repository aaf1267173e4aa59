import type { Reason, TaskWhy } from '@rigel/contracts';
import t from 'tap';
import { attentionOf, mayNeedSomebody } from './attention.js';
import type { TaskLine } from './task-counts.js';

const NOW = 1_800_000_000_000;
const line = (id: number, over: Partial<TaskLine>): TaskLine => ({
  id,
  name: `task ${id}`,
  pool_id: 1,
  pool_name: 'web',
  state: 1,
  end_reason: '',
  stat: [0, 4, 0, 0, 0],
  version: 7,
  created_at: NOW - 600_000,
  updated_at: NOW - 60_000,
  ...over,
});
const reason = (code: string, text: string, data: Reason['data'] = {}): Reason => ({
  code,
  text,
  since: NOW - 50_000,
  data,
});
const why = (task_id: number, ...chain: Reason[]): [number, TaskWhy] => [
  task_id,
  {
    task_id,
    state: 1,
    text: '',
    chain,
    nodes: [{ run_id: 1, node_id: 1, ip: '10.0.0.7', state: 3, chain }],
    more_nodes: 0,
  },
];
const none = { whys: new Map(), skipped: [], lost: [] };

t.test('what has failed, is paused, or was never started needs somebody: most nodes first', async (t) => {
  const tasks = [
    line(1, { state: 4, stat: [3, 0, 1, 0, 0] }),
    line(2, { state: 3, end_reason: 'failed', stat: [0, 0, 0, 20, 0] }),
    line(3, { state: 0, stat: [2, 0, 0, 0, 0] }),
    line(4, { stat: [1, 1, 1, 5, 0] }),
  ];
  t.match(attentionOf({ ...none, tasks }, NOW), [
    { id: 2, code: 'some_failed', text: '20 of 20 nodes failed', nodes: 20, action: 'start' },
    { id: 4, code: 'some_failed', text: '5 of 8 nodes failed', nodes: 5, action: null },
    { id: 1, code: 'paused', nodes: 3, action: 'start' },
    { id: 3, code: 'not_started', nodes: 2, action: 'start' },
  ]);
});

t.test('a task at work needs somebody only when it waits for what does not come by itself', async (t) => {
  const busy = line(1, { updated_at: NOW - 1_000 });
  t.notOk(mayNeedSomebody(busy, NOW));
  const quiet = line(2, {});
  t.ok(mayNeedSomebody(quiet, NOW));
  const tasks = [quiet];
  const running = new Map([why(2, reason('task_runs', 'under way'), reason('attempt_running', 'for 1 min'))]);
  t.strictSame(attentionOf({ ...none, tasks, whys: running }, NOW), []);
  const waits = new Map([why(2, reason('task_runs', 'under way'), reason('no_executor', 'no executor can'))]);
  t.match(attentionOf({ ...none, tasks, whys: waits }, NOW), [{ id: 2, code: 'no_executor', nodes: 4 }]);
});

t.test('the cause is the failure of a node, with the last line that it printed', async (t) => {
  const tasks = [line(1, { state: 3, end_reason: 'failed', stat: [0, 0, 0, 2, 0] })];
  const chain = [
    reason('failed', 'the task failed: 2 of 2 nodes failed', { failed: 2, nodes: 2 }),
    reason('step_failed', 'step move failed on 10.0.0.7: exit status 1'),
    reason('last_output', 'it printed last: a\nno space left', { output: 'a\nno space left\n' }),
  ];
  t.match(attentionOf({ ...none, tasks, whys: new Map([why(1, ...chain)]) }, NOW), [
    {
      code: 'failed',
      cause: 'step move failed on 10.0.0.7: exit status 1: no space left',
      cause_reason: { code: 'step_failed', printed: 'no space left' },
    },
  ]);
});

t.test(
  'changed host keys, machines that may have been made, lost executors and skipped moments',
  async (t) => {
    const whys = new Map([
      why(1, reason('step_failed', 'step a failed: host key of 10.0.0.7:22 changed: expected x, got y')),
      why(2, reason('step_failed', 'vm 2: it is unknown whether the provider made a machine')),
    ]);
    const lost = [{ name: 'executor-3', heard: NOW - 41_000, taken: 96 }];
    const skipped = [{ id: 7, pool_id: 1, type: 'upload' as const, due: NOW, reason: 'overlap: #44' }];
    t.match(attentionOf({ tasks: [], whys, lost, skipped }, NOW), [
      { kind: 'executor', name: 'executor-3', nodes: 96, since: NOW - 41_000 },
      { kind: 'host_key', id: 1, nodes: 1, name: '10.0.0.7' },
      { kind: 'machines', id: 2, nodes: 1 },
      { kind: 'schedule', id: 7, text: 'overlap: #44' },
    ]);
  },
);

t.test('no more than fifty are named', async (t) => {
  const tasks = Array.from({ length: 80 }, (_, n) => line(n + 1, { state: 4 }));
  t.equal(attentionOf({ ...none, tasks }, NOW).length, 50);
});
