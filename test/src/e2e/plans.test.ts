import { waitFor } from '@rigel/testing';
import t from 'tap';
import { loopbackNodes } from '../support/fleet.js';
import { startRig } from '../support/rig.js';

/*
 * What was shown is what runs: an operation that is bound to the plan of its preview does exactly that, or nothing.
 */

const rig = await startRig({ executors: 1, fastDatabase: true });
t.teardown(() => rig.stop());
const { api, fleet } = rig;

interface Preview {
  plan: string;
  refused: string | null;
  nodes: { count: number; to_make: number; rows: { node_id: number; ip: string; step?: string }[] };
  left_out: { count: number; rows: { ip: string; code: string; task_id?: number }[] };
  steps: { params: { name: string; source: string }[]; actions: { script: string }[] }[];
  tasks: { batches: number; batch_size: number; max_failed: number | null }[];
  warnings: { code: string }[];
}

let offset = 0;
const nodesOf = (count: number): string[] => {
  offset += count;
  return loopbackNodes(count, rig.sshd.port, offset - count);
};

t.test('a task is made as its preview showed it, under any change in between it is not', async (t) => {
  const ips = nodesOf(4);
  const { poolId } = await fleet.pool(ips.slice(0, 3));
  const template = await fleet.template({
    greet: {
      command: 'echo {{word}} {{key}}',
      params: { word: 'string', key: 'string' },
      values: { word: 'hello', key: { secret: 'greeting' } },
    },
  });
  const body = {
    ...{ template_id: template, task_name: 'greet', nodes: ips.slice(0, 3), auto: false },
    ...{ max_num: 2, params: { word: 'good day' } },
  };
  const preview = (changed = {}) => api.ok<Preview>('/task/preview', { ...body, ...changed });
  const shown = await preview();
  t.match(shown, {
    refused: null,
    nodes: { count: 3, rows: [{ ip: ips[0] ?? '' }] },
    tasks: [{ batch_size: 2, batches: 2, max_failed: null }],
  });
  t.match(shown.steps[0]?.actions[0]?.script, /good day.*‹secret greeting›/s);
  t.match(shown.steps[0]?.params.map(({ name, source }) => [name, source]).sort(), [
    ['key', 'template'],
    ['word', 'call'],
  ]);
  t.equal((await preview()).plan, shown.plan, 'the same request has the same plan');
  t.equal((await api.call('/task/preview', '{')).code, 400);
  const refused = async (what: RegExp, changed = {}) => {
    const answer = await api.call('/task/create', { ...body, ...changed, if_plan: shown.plan });
    t.match(answer, { code: 400, msg: /nothing was done/ });
    t.match(answer.msg, what);
    t.strictSame(answer.taskIds, []);
    t.match(answer.msg, (await preview(changed)).plan, 'it names the new plan');
  };
  await refused(/parameters have other values/, { params: { word: 'good night' } });
  await refused(/other nodes take part: 2 nodes, 3 were shown/, { nodes: ips.slice(0, 2) });
  await refused(/batches/, { max_num: 1 });
  const saved = await api.ok<{ id: number; steps: { retry: object }[] }[]>('/task_tpl/list', {
    page_size: 100,
  });
  const steps = saved.find(({ id }) => id === template)?.steps ?? [];
  const retrying = steps.map((step) => ({ ...step, retry: { retry_times: 3, ignore_error: false } }));
  await api.ok(`/task_tpl/update/${template}`, { steps: retrying });
  await refused(/the template has other steps or limits/);
  await api.ok(`/task_tpl/update/${template}`, { steps });
  t.equal((await preview()).plan, shown.plan, 'what was turned back is the same again');
  await api.ok(`/pool/${poolId}/add_nodes`, { nodes: ips.slice(3) });
  const bound = { ...body, if_plan: shown.plan };
  const headers = { ...api.headers, 'idempotency-key': 'plan-once' };
  const send = () =>
    api.fetch(`${api.url}/task/create`, { method: 'POST', headers, body: JSON.stringify(bound) });
  const made = await send();
  t.equal(made.status, 200);
  const again = await send();
  t.equal(
    again.headers.get('x-task-id'),
    made.headers.get('x-task-id'),
    'a repetition is answered as before',
  );
  t.match(await preview(), { refused: /nodes are held/, reason: { code: 'nodes_held', field: 'nodes' } });
  t.match(await preview({ nodes: ips, held_nodes: 'leave_out' }), {
    refused: null,
    nodes: { count: 1, rows: [{ ip: ips[3] ?? '' }] },
    left_out: { count: 3, rows: [{ code: 'held', task_id: Number(made.headers.get('x-task-id')) }] },
  });
});

t.test('a deploy is bound to its nodes, and does without held ones when it is told to', async (t) => {
  const ips = nodesOf(3);
  const { poolId } = await fleet.pool(ips.slice(0, 2));
  const step = { command: 'echo {{tag}}', params: { tag: 'string' as const }, values: { tag: 'old' } };
  const template = await fleet.template({ start_service: step });
  await api.ok(`/pool/update/${poolId}`, { tasks: { deploy: template } });
  const body = { tag: 'shop:8', max_num: 1 };
  const preview = () => api.ok<Preview>(`/pool/deploy/${poolId}/preview`, body);
  const shown = await preview();
  t.match(shown, { nodes: { count: 2 }, steps: [{ params: [{ name: 'tag', source: 'call' }] }] });
  await api.ok(`/pool/${poolId}/add_nodes`, { nodes: ips.slice(2) });
  const bound = await api.call(`/pool/deploy/${poolId}`, { ...body, if_plan: shown.plan });
  t.match(bound, { code: 400, msg: /3 nodes, 2 were shown/ });
  const next = await preview();
  const held = await fleet.startTask(template, ips.slice(0, 1), { auto: false });
  t.match(await api.call(`/pool/deploy/${poolId}`, { ...body, if_plan: next.plan }), {
    code: 400,
    msg: /nodes are held/,
  });
  const rest = { ...body, held_nodes: 'leave_out' };
  const without = await api.ok<Preview>(`/pool/deploy/${poolId}/preview`, rest);
  t.match(without, { nodes: { count: 2 }, left_out: { rows: [{ code: 'held', task_id: held }] } });
  const made = await api.done(`/pool/deploy/${poolId}`, { ...rest, if_plan: without.plan });
  const [id = 0] = made.taskIds;
  t.match(await fleet.ended(id), { end_reason: 'completed', stat: [0, 0, 2, 0, 0] });
  t.match(await preview(), { warnings: [] });
});

t.test('a start lets only the chosen nodes go on, as it was shown; a stop says why', async (t) => {
  const ips = nodesOf(3);
  await fleet.pool(ips);
  const template = await fleet.template({ fail: { command: 'exit 7' } });
  const id = await fleet.startTask(template, ips);
  await fleet.ended(id);
  const runs = await api.detail(id);
  const chosen = { runs: [runs[1]?.id] };
  const shown = await api.ok<Preview>(`/task/start/${id}/preview`, chosen);
  t.match(shown, {
    nodes: { count: 1, rows: [{ ip: ips[1] ?? '', step: /^fail/ }] },
    left_out: { count: 2, rows: [{ code: 'stays_failed' }] },
  });
  const all = await api.call(`/task/start/${id}`, { if_plan: shown.plan });
  t.match(all, { code: 400, msg: /3 nodes, 1 were shown/ });
  await api.ok(`/task/start/${id}`, { ...chosen, if_plan: shown.plan });
  await waitFor(
    async () => {
      const [, second] = await api.detail(id);
      return second?.steps.list[0]?.attempts === 2 && (await api.task(id)).end_reason !== '';
    },
    { what: 'the chosen node is done' },
  );
  t.strictSame(
    (await api.detail(id)).map(({ steps }) => steps.list[0]?.attempts),
    [1, 2, 1],
  );
  t.match(
    (await api.log(id)).map(({ message }) => message).join('\n'),
    /1 nodes go on, the others stay as they are/,
  );
  const waiting = await fleet.startTask(template, ips, { auto: false });
  await api.ok(`/task/stop/${waiting}`, { reason: 'made by mistake' });
  t.match(await api.ok(`/task/${waiting}`), [{ end_reason: 'stopped' }]);
  const why = await (await api.fetch(`${api.url}/task/${waiting}/why`, { headers: api.headers })).json();
  t.match(why, {
    data: { chain: [{ code: 'stopped', text: /made by mistake/, data: { reason: 'made by mistake' } }] },
  });
});
