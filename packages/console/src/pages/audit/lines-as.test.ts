import type { AuditEntry } from '@rigel/api-client';
import t from 'tap';
import { linesAs } from './lines-as.js';
import { addressOf } from './target.js';

const line: AuditEntry = {
  id: 7,
  time: '2026-01-05 08:00:00',
  time_at: '2026-01-05T08:00:00.000Z',
  operator: 'ann, "on call"',
  action: 'task.stop',
  target: 'task-3',
  name: '=cmd()',
  client: '10.0.0.9',
  correlation_id: 'c1',
  outcome: 'refused',
  status: 400,
  reason: 'two\nlines',
  times: 2,
};

t.test('a file of the audit has every field, and no spreadsheet runs what stands in it', async (t) => {
  t.equal(
    linesAs('csv', [line]),
    'time_at,outcome,operator,action,target,name,client,correlation_id,status,reason,times\r\n' +
      '2026-01-05T08:00:00.000Z,refused,"ann, ""on call""",task.stop,task-3,\'=cmd(),10.0.0.9,c1,400,"two\nlines",2\r\n',
  );
  t.strictSame(
    linesAs('jsonl', [line, line])
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text)),
    [line, line],
  );
});

t.test('a target leads to its page, if it has one', async (t) => {
  t.strictSame(['task-3', 'pool-4', 'session-9', 'cluster-1', 'task-', 'task-3/../x', ''].map(addressOf), [
    '/task/3',
    '/pool/4',
    '/access?tab=sessions',
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
