import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '@rigel/testing';
import t from 'tap';
import { loopbackNodes } from '../../support/fleet.js';
import { sharedRig } from '../../support/shared-rig.js';

// Every address of the SSH server is a node of its own; a command tells which one it runs on by SSH_CONNECTION.
const NOTE = (step: string): string =>
  `set -- $SSH_CONNECTION; echo "$3 ${step}" >> ran; echo "${step} on $3"`;

t.test('200 nodes, 3 steps: every command runs once, and every answer tells the same story', async (t) => {
  const rig = await sharedRig('one-system');
  const { api, fleet, sshd } = rig;
  const nodes = loopbackNodes(200, sshd.port);
  const { poolId } = await fleet.pool(nodes);
  const template = await fleet.template({
    first: { command: NOTE('first') },
    second: { command: NOTE('second') },
    third: { command: NOTE('third') },
  });
  const id = await fleet.startTask(template, nodes, { max_ratio: 50 });
  const task = await fleet.ended(id, 120_000);
  t.match(task, { state: 2, Status: 2, end_reason: 'completed', stat: [0, 0, 200, 0, 0], step_len: 100 });

  const ran = (await readFile(join(sshd.home, 'ran'), 'utf8')).trim().split('\n').sort();
  const expected = nodes.flatMap((node) =>
    ['first', 'second', 'third'].map((step) => `${node.split(':')[0]} ${step}`),
  );
  t.same(ran, expected.sort(), 'each command ran exactly once on each node');

  const detail = await api.detail(id);
  t.equal(detail.length, 200);
  t.ok(detail.every(({ state, steps }) => state === 2 && steps.list.length === 3));
  t.ok(detail.every(({ steps }) => steps.list.every(({ state, attempts }) => state === 2 && attempts === 1)));
  t.same(new Set(detail.map(({ batch_id }) => batch_id)), new Set([1, 2]));

  const log = await api.log(id);
  const count = (pattern: RegExp): number => log.filter(({ message }) => pattern.test(message)).length;
  t.equal(count(/attempt 1 succeeded/), 600);
  t.equal(count(/all steps done/), 200);
  t.equal(count(/^batch \d of 2 started: 100 nodes/), 2);
  t.equal(count(/^task finished, completed: 200 nodes succeeded, 0 failed/), 1);
  const secondBatch = log.findIndex(({ message }) => message.startsWith('batch 2 of 2 started'));
  t.ok(
    log.slice(0, secondBatch).every(({ batch_id }) => batch_id < 2),
    'batch 2 begins after batch 1 has ended',
  );

  const run = detail[17];
  if (!run) throw new Error('the run is missing');
  const texts = (await api.nodeLog(run.id)).map(([, text]) => text);
  const ip = run.ip.split(':')[0];
  t.same(texts, [`first on ${ip}\n`, `second on ${ip}\n`, `third on ${ip}\n`]);

  const { data } = await waitFor(
    async () => {
      const answer = await api.call<{ ip: string; status: number; state: number }[]>(
        `/pool/${poolId}/list_nodes?page_size=10000`,
      );
      return answer.data.every(({ status, state }) => status === 1 && state === 2) ? answer : undefined;
    },
    { what: 'the inventory follows' },
  );
  t.equal(data.length, 200);
});
