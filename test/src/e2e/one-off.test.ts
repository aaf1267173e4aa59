import t from 'tap';
import type { ApiClient } from '../support/api.js';
import { Fleet, loopbackNodes } from '../support/fleet.js';
import { startRig } from '../support/rig.js';
import { createToken } from '../support/tokens.js';

/*
 * One-off commands on a whole system: what is written runs and nothing else, for those who may. And ended tasks once more.
 */

const rig = await startRig({ executors: 1, fastDatabase: true, env: { gateway: { RIGEL_ACCESS: 'on' } } });
t.teardown(() => rig.stop());
const token = async (name: string, role: string, ...more: string[]): Promise<ApiClient> =>
  rig.client(`Bearer ${(await createToken(rig.stack.databaseUrl, name, role, ...more)).token}`);
const [ann, bob, eve, ci] = await Promise.all([
  token('ann', 'admin'),
  token('bob', 'operator'),
  token('eve', 'viewer'),
  token('ci', 'viewer', '--may-run'),
]);
const fleet = new Fleet(ann);
const nodes = loopbackNodes(4, rig.sshd.port);
const { poolId, nodeIds } = await fleet.pool(nodes);
const { name: pool } = await ann.ok<{ name: string }>(`/pool/${poolId}`);

interface Preview {
  plan: string;
  steps: { actions: { script: string }[] }[];
  nodes: { count: number };
  warnings: unknown[];
  duration: unknown;
}

const run = async (api: ApiClient, body: object): Promise<number> =>
  (await api.ok<{ ids: number[] }>('/task/run', { nodes: [nodes[0]], ...body })).ids[0] as number;

const againOf = async (id: number | undefined) =>
  (await ann.call<{ again_of?: number }>(`/task/${id}`, undefined, 'GET')).data.again_of;

/** What the first node of a task printed. */
async function printed(id: number): Promise<string> {
  const { rows } = (await ann.call<{ rows: { id: number }[] }>(`/task/${id}/runs`, undefined, 'GET')).data;
  const run = rows[0]?.id;
  const url = `/task/node/${run}/output?step=1&attempt=1&from=0&length=1000000`;
  const { parts } = (await ann.call<{ parts: { text: string }[] }>(url, undefined, 'GET')).data;
  return parts.map(({ text }) => text).join('');
}

t.test(
  'a script runs as it is written: braces, quotes and interpreters mean what they mean there',
  async (t) => {
    const hostile = [
      'echo {{word}} {{{{word}}}} {{word | raw}} {{ }} {{name}',
      "echo '; touch /tmp/rigel-one-off-was-here #' \"$(echo 'a  b')\"",
      "cat <<'EOF'\n{{a}} $HOME `id` \\\nEOF",
      '#!/usr/bin/env -S sh -e\necho "{{0}}"; echo __rigel_value_1=x',
    ];
    const expected = [
      '{{word}} {{{{word}}}} {{word | raw}} {{ }} {{name}\n',
      '; touch /tmp/rigel-one-off-was-here # a  b\n',
      '{{a}} $HOME `id` \\\n',
      '{{0}}\n__rigel_value_1=x\n',
    ];
    // `|` is of the shell, as everything is.
    hostile[0] = (hostile[0] as string).replace('{{word | raw}}', "'{{word | raw}}'");
    for (const [index, script] of hostile.entries()) {
      const shown = await ann.ok<Preview>('/task/run/preview', { script, nodes: [nodes[0]] });
      t.equal(shown.steps[0]?.actions[0]?.script, script, 'the plan shows what runs');
      t.match(shown, { warnings: [], duration: null, nodes: { count: 1 } });
      const id = await run(ann, { script, if_plan: shown.plan });
      t.match(await fleet.ended(id), { end_reason: 'completed' }, script);
      t.equal(await printed(id), expected[index]);
    }
  },
);

t.test('it is a task like any other: batches, limits, its plan, why it failed, the audit', async (t) => {
  const script = '# what this is for\necho on $(hostname); exit 3';
  const [id] = (
    await ann.ok<{ ids: number[] }>('/task/run', { script, pool_id: poolId, max_num: 2, max_fail_num: 4 })
  ).ids;
  const task = await fleet.ended(id as number);
  t.match(task, {
    ...{ one_off: true, template_name: 'one-off command', end_reason: 'failed' },
    ...{ task_name: 'echo on $(hostname); exit 3', stat: [0, 0, 0, 4, 0], step_len: 2 },
  });
  const plan = await ann.call<{ catalog: object; steps: { actions: { text: string }[] }[] }>(
    `/task/${id}/plan`,
    undefined,
    'GET',
  );
  t.match(plan.data, {
    catalog: { state: 'same', total: 0 },
    steps: [{ actions: [{ text: script, places: [] }] }],
  });
  t.match((await ann.call(`/task/${id}/why`, undefined, 'GET')).data, { nodes: [{ state: 3 }] });
  t.match((await ann.call(`/task/${id}/failures`, undefined, 'GET')).data, {
    rows: [{ step: 'run', reason: 'exit status 3', count: 4 }],
  });
  const late = await run(ann, { script: 'sleep 60', step_timeout: 1 });
  t.match(await fleet.ended(late), { end_reason: 'failed' });
  const { data } = await ann.call<{ operator: string; name: string }[]>(
    `/audit?action=task.run&target=task-${id}`,
  );
  t.match(data, [{ operator: 'ann', name: 'echo on $(hostname); exit 3', outcome: 'done' }]);
  const other = await ann.ok<Preview>('/task/run/preview', { script: 'uptime', nodes });
  const changed = await ann.call('/task/run', { script: 'uptime -p', nodes, if_plan: other.plan });
  t.match(changed, { code: 400, msg: /an action of it runs something else/ });
});

t.test(
  'only the role admin, or a token that may run, runs anything; and that token does no more than that',
  async (t) => {
    const body = { script: 'echo hi', nodes: [nodes[1]] };
    for (const api of [bob, eve])
      t.match(await api.call('/task/run', body), {
        code: 403,
        msg: /role admin, or a token that may run commands/,
      });
    const id = await run(ci, body);
    t.match(await fleet.ended(id), { end_reason: 'completed', opr_user: 'ci' });
    t.match((await ci.call('/session', undefined, 'GET')).data, {
      name: 'ci',
      role: 'viewer',
      may_run: true,
    });
    t.match((await bob.call('/session', undefined, 'GET')).data, { may_run: false });
    for (const [path, request] of [
      [`/task/stop/${id}`, {}],
      [`/task/again/${id}`, {}],
      ['/task/create', { template_id: 1, task_name: 'x', nodes: [nodes[1]] }],
      ['/cluster/create', { name: 'mine', desc: '', biz: '1' }],
      ['/token/create', { name: 'more', role: 'viewer', may_run: true }],
      [`/pool/${poolId}/remove_nodes`, { nodes: nodeIds }],
      ['/schedule/1/ignore_next', {}],
    ] as const)
      t.match(await ci.call(path, request), { code: 403 }, path);
    t.match(await bob.call('/token/create', { name: 'more', role: 'viewer', may_run: true }), { code: 403 });
    t.match(await bob.call(`/task/again/${id}`, {}), {
      code: 400,
      msg: /one-off command: running it again needs/,
    });
    t.match(await bob.call(`/task/again/${id}/preview`, {}), { code: 400, msg: /needs the role admin/ });
    const list = await ann.call<{ name: string; may_run: boolean }[]>(
      '/token/list?page_size=100',
      undefined,
      'GET',
    );
    t.strictSame(
      list.data.filter(({ may_run }) => may_run).map(({ name }) => name),
      ['ci'],
    );
    const made = await ann.ok<{ token: string }>('/token/create', {
      name: 'op',
      role: 'operator',
      may_run: true,
    });
    const op = rig.client(`Bearer ${made.token}`);
    const again = await op.ok<{ ids: number[] }>(`/task/again/${id}`, {});
    t.match(await fleet.ended(again.ids[0] as number), { end_reason: 'completed' });
    t.equal(await againOf(again.ids[0]), id);
  },
);

t.test('a script that cannot be one is refused by its name, and nothing is made', async (t) => {
  const before = (await ann.call<{ rows: unknown[] }>('/task/find?limit=1000', undefined, 'GET')).data.rows
    .length;
  for (const [body, msg] of [
    [{ script: ' \n\t' }, /script is empty/],
    [{ script: 'x'.repeat(65_537) }, /script has 65537 characters, and may have 65536/],
    [{ script: 'a\0b' }, /script/],
    [{ script: 'uptime', pool_id: poolId }, /not by both/],
    [{ script: 'uptime', nodes: undefined }, /nodes is empty|nodes or select/],
    [{ script: 'uptime', nodes: ['10.1.1.1'] }, /no node has the address 10\.1\.1\.1/],
    [{ script: 'uptime', params: {} }, /params/],
  ] as const)
    await t.rejects(run(ann, body), { message: msg });
  t.equal(
    (await ann.call<{ rows: unknown[] }>('/task/find?limit=1000', undefined, 'GET')).data.rows.length,
    before,
  );
});

t.test(
  'an ended task runs again: on all nodes, or on those that failed, as its template says now',
  async (t) => {
    const template = await fleet.template({
      part: {
        command: 'test -e /tmp/rigel-{{mark}} || { echo {{word}}; exit 1; }',
        params: { word: 'string', mark: 'string' },
        values: { word: 'kept', mark: 'none' },
      },
    });
    const first = await fleet.startTask(template, nodes, {
      params: { word: "it's" },
      max_num: 1,
      max_fail_num: 9,
    });
    t.match((await ann.call(`/task/again/${first}`, {})).msg, /has not ended/);
    t.match(await fleet.ended(first), { end_reason: 'failed', stat: [0, 0, 0, 4, 0] });
    await ann.ok(`/pool/${poolId}/remove_nodes`, { nodes: [nodeIds[3]] });
    const shown = await bob.ok<Preview>(`/task/again/${first}/preview`, { only: 'failed' });
    t.match(shown, {
      nodes: { count: 3 },
      left_out: { count: 1, rows: [{ ip: nodes[3], code: 'left_pool' }] },
      tasks: [{ batch_size: 1, max_failed: 9, pool_name: pool }],
      steps: [
        {
          params: [
            { name: 'mark', source: 'template' },
            { name: 'word', value: "it's", source: 'call' },
          ],
        },
      ],
    });
    const { ids } = await bob.ok<{ ids: number[] }>(`/task/again/${first}`, {
      only: 'failed',
      if_plan: shown.plan,
    });
    t.match(await fleet.ended(ids[0] as number), { opr_user: 'bob', stat: [0, 0, 0, 3, 0] });
    t.equal(await againOf(ids[0]), first);
    t.match(await printed(ids[0] as number), "it's\n");
    t.match((await ann.call(`/audit?action=task.again&target=task-${ids[0]}`)).data, [{ operator: 'bob' }]);
    t.match(await bob.call(`/task/again/${first}`, { only: 'not_succeeded', if_plan: shown.plan }), {
      code: 0,
    });
    t.match((await bob.call(`/task/again/999999`, {})).msg, /Flow not found/);
  },
);
