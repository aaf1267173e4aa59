import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createIntl } from '@formatjs/intl';
import type { Reason } from '@rigel/api-client';
import t from 'tap';
import type { Manner } from '../../text/refusals.js';
import { linksOf, tellEnd, tellReason } from './why-text.js';
import { whyWords } from './why-words.js';

const DOCUMENT = join(import.meta.dirname, '..', '..', '..', '..', '..', 'docs', 'why.md');

const mannerOf = (locale: string): Manner => ({ intl: createIntl({ locale }), zone: 'UTC' });
const english = mannerOf('en-US');
const chinese = mannerOf('zh-CN');
const reason = (code: string, data: Reason['data'] = {}): Reason => ({
  code,
  text: 'the words of the server',
  since: null,
  data,
});

/** The codes of the document, which lists them in the first column. */
const codes = readFileSync(DOCUMENT, 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, code = '']) => code));

t.test('every code of the document has words in both languages, and no other', async (t) => {
  const told = Object.keys(whyWords['en-US'])
    .filter((key) => key.startsWith('why.'))
    .map((key) => key.slice('why.'.length));
  t.strictSame(told.sort(), [...codes].sort());
  const over = ['completed', 'some_failed', 'failed', 'batch_failed', 'out_of_time', 'task_runs', 'stopped'];
  const unending = [...over, 'node_full', 'last_attempt_failed', 'step_failed', 'last_output'];
  for (const code of codes.filter((one) => ![...unending, 'executor_has_it', 'next_look'].includes(one)))
    t.ok(tellEnd(reason(code), chinese), `what would end ${code}`);
});

t.test('a reason is told from its facts, and by the server where one is missing', async (t) => {
  const held = reason('node_held', { ip: '10.0.0.7', task_id: 7, task_name: 'move', opr_user: 'ann' });
  t.equal(tellReason(held, english), '10.0.0.7 is held by task 7 (move) of ann');
  t.equal(tellReason(held, chinese), '10.0.0.7 被 ann 的任务 7（move）占用');
  t.equal(tellReason(reason('node_held', { ip: '10.0.0.7' }), chinese), 'the words of the server');
  t.equal(tellReason(reason('of_a_later_release'), chinese), 'the words of the server');
  const batch = { batch: 2, batches: 4, nodes: 3, ip: '10.0.0.7' };
  t.equal(tellReason(reason('batch_waits', batch), english), 'Batch 2 of 4 waits for 10.0.0.7 and 2 more');
  t.equal(
    tellReason(reason('batch_waits', { ...batch, nodes: 1 }), chinese),
    '第 2 批（共 4 批）在等待 10.0.0.7',
  );
  const paused = { operator: 'bob', reason: 'disk' };
  t.equal(tellReason(reason('paused', paused), english), 'The task was paused by bob (disk)');
  const retry = { attempt: 2, step: 'start', ip: '10.0.0.7', retry_at: Date.parse('2026-01-05T08:00:00Z') };
  t.match(tellReason(reason('retry_at', retry), chinese), /将于 2026-01-05 08:00:00 UTC 开始/);
});

t.test('a reason leads to what it speaks of', async (t) => {
  const hrefs = (code: string, data: Reason['data']): string[] =>
    linksOf(reason(code, data), 42, english).map(({ href }) => href);
  t.strictSame(hrefs('node_held', { node_id: 3, ip: '10.0.0.7', task_id: 7 }), [
    '/task/7',
    '/task/42?tab=why&node=3',
  ]);
  const attempt = { node_id: 3, ip: '10.0.0.7', step: 'start', step_num: 1, attempt: 2 };
  t.strictSame(hrefs('step_failed', attempt), ['/task/42?tab=why&node=3&attempt=2.2']);
  t.strictSame(hrefs('other_pools', { pool_id: 5, pool: 'db', task_id: 43 }), ['/task/43', '/pool/5']);
  t.strictSame(hrefs('executor_waits', { executor: 'executor-1', capability: 'vm' }), [
    '/system',
    '/machines',
  ]);
  t.strictSame(hrefs('no_executor', { capability: 'ssh' }), ['/system']);
  t.strictSame(hrefs('task_runs', { nodes: 3 }), []);
});
