import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { REPOSITORY_DIR } from '@rigel/local';
import { findFreePort } from '@rigel/local-servers';
import { waitFor } from '@rigel/testing';
import t from 'tap';
import { ApiClient } from '../support/api.js';
import { loopbackNodes } from '../support/fleet.js';
import { startNginxWith } from '../support/nginx-proxy.js';
import { startRig } from '../support/rig.js';
import { createToken } from '../support/tokens.js';

/*
 * What the existing web console sends for each of its forms, through the proxy whose configuration docs/existing-console.md prints:
 * the console says a login, the API wants a token.
 */

const rig = await startRig({
  executors: 1,
  secured: false,
  env: {
    gateway: { RIGEL_ACCESS: 'on', RIGEL_HTTP_FAILED_LIMIT: '1000000', RIGEL_HTTP_TRUST_PROXY: '127.0.0.1' },
  },
});
t.teardown(() => rig.stop());

const makeToken = async (name: string, role: string): Promise<string> =>
  (await createToken(rig.stack.databaseUrl, name, role)).token;

/** The block of the page, with the addresses and tokens of this test. */
async function proxyConfiguration(port: number): Promise<string> {
  const page = await readFile(join(REPOSITORY_DIR, 'docs', 'existing-console.md'), 'utf8');
  const [, block] = /^```nginx\n(.*?)^```$/ms.exec(page) ?? [];
  if (block === undefined) throw new Error('the page has no block for nginx');
  const replaced = [
    ['rgl_1_TOKEN_OF_ROOT', await makeToken('root', 'admin')],
    ['rgl_2_TOKEN_OF_ANN', await makeToken('ann', 'operator')],
    ['listen 10.0.0.5:8888;', `listen 127.0.0.1:${port};`],
    ['allow  10.0.0.20;', 'allow  127.0.0.1;'],
    ['http://127.0.0.1:8080;', `${rig.stack.httpUrl};`],
  ] as const;
  return replaced.reduce((text, [printed, here]) => {
    if (!text.includes(printed)) throw new Error(`the page does not print ${printed}`);
    return text.replace(printed, here);
  }, block);
}

const port = await findFreePort('127.0.0.1');
t.teardown(await startNginxWith(await proxyConfiguration(port), port));
const proxy = `http://127.0.0.1:${port}`;

/** What the console gets for a request: as its PHP program sends it, POST with JSON or GET with a query. */
async function sent(
  method: 'GET' | 'POST',
  path: string,
  data: Record<string, unknown> = {},
  login = 'root',
) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(data)) query.set(name, String(value));
  const response = await fetch(`${proxy}/${path}${method === 'GET' ? `?${query}` : ''}`, {
    method,
    headers: {
      accept: 'application/json',
      'content-type': 'application/json',
      'x-http-method-override': method,
      authorization: login,
      'x-correlation-id': '1501162794',
    },
    ...(method === 'POST' ? { body: JSON.stringify(data) } : {}),
  });
  const json = (await response.json()) as { code: number; msg: string; data: unknown };
  return { status: response.status, ids: response.headers.get('x-task-id') ?? '', ...json };
}

async function done<Data>(
  method: 'GET' | 'POST',
  path: string,
  data: Record<string, unknown> = {},
): Promise<Data> {
  const answer = await sent(method, path, data);
  if (answer.code !== 0) throw new Error(`${method} ${path}: ${answer.code} ${answer.msg}`);
  return answer.data as Data;
}

const shell = (args: string) => ({ action: { module: 'shell', args } });

t.test('a login has a token, or is nobody', async (t) => {
  t.match(await sent('GET', 'cluster/list', { page: 1, page_size: 20, name: '' }), { code: 0, data: [] });
  const nobody = { status: 401, code: 401, msg: 'the console login has no token at this proxy' };
  for (const login of ['', 'eve', 'ROOT', 'root ann', 'xroot'])
    t.match(await sent('GET', 'cluster/list', {}, login), nobody);
  // A login that has only to run things cannot say what is run.
  const action = { name: 'x', desc: '', params: {} };
  t.match(await sent('POST', 'action/create', action, 'ann'), { status: 403 });
  t.match(await sent('POST', 'cluster/create', { name: 'of ann', desc: 'by an operator' }, 'ann'), {
    code: 0,
  });
  const admin = new ApiClient(rig.stack.httpUrl, 60_000, `Bearer ${await makeToken('looker', 'admin')}`);
  const lines = () =>
    admin.ok<{ operator: string; client: string }[]>('/audit', { action: 'cluster.create' });
  const [line] = await waitFor(async () => ((await lines()).length > 0 ? lines() : undefined), {
    what: 'the audit to tell of the cluster',
  });
  t.match(line, { operator: 'ann', client: '127.0.0.1' });
});

t.test('a command that was refused once is repaired, and takes away nobody else’s', async (t) => {
  // The form of a new command: the command first, then with the number it was given what it runs.
  const insert = async (name: string, text: string) => {
    const made = await sent('POST', 'action/create', { name, desc: name, params: {} });
    if (made.code !== 0) return made;
    const impl = { action_id: made.data, type: 'ansible', template: shell(text) };
    return { ...(await sent('POST', 'actimpl/create', impl)), action: made.data as number };
  };
  // The form of an existing one: command, then what it runs, both by the number of the command.
  const update = async (id: number, text: string) => {
    await done('POST', `action/update/${id}`, { id: String(id), desc: 'changed', params: {} });
    return sent('POST', `actimpl/update/${id}`, { action_id: id, type: 'ansible', template: shell(text) });
  };
  const shown = (id: number) => sent('GET', `actimpl/${id}`);

  const first = await insert('first', 'echo first');
  t.match(first, { code: 0 });
  t.match(await insert('first', 'echo again'), { code: 400 }, 'its number is lost');
  const second = await insert('second', 'echo second');
  const third = (await insert('third', 'echo "{{word}}')) as { action: number; code: number };
  t.match(third, { code: 400 }, 'the command is there, and runs nothing');
  let other = await insert('other', 'echo other');
  for (let n = 0; other.data !== third.action && n < 5; n++) other = await insert(`other${n}`, 'echo other');
  t.equal(other.data, third.action, 'what another command runs has its number');

  t.match(await shown(third.action), { status: 404, code: 404, msg: 'actimpl in db not found' });
  t.match(await update(third.action, 'echo third'), { code: 0, data: '' });
  t.match(await shown(third.action), {
    code: 0,
    data: { action_id: third.action, template: shell('echo third') },
  });
  for (const [command, text] of [
    [first, 'echo first'],
    [second, 'echo second'],
    [other, 'echo other'],
  ] as const) {
    const { action } = command as { action: number };
    t.match(await shown(action), { data: { action_id: action, template: shell(text) } }, text);
  }
  t.match(await update(third.action, 'echo third again'), { code: 0 });
  t.match(await shown(third.action), { data: { template: shell('echo third again') } });
});

t.test('the forms of a fleet, a template and a task', async (t) => {
  const cluster = await done<number>('POST', 'cluster/create', { name: 'lab', desc: 'a lab' });
  t.match(await done('GET', `cluster/${cluster}`), { name: 'lab', biz: '' });
  await done('POST', `cluster/update/${cluster}`, { name: 'lab', desc: 'the lab', id: cluster });
  const { id: service } = await done<{ id: number }>('POST', 'service/create', {
    cluster_id: cluster,
    name: 'web',
    desc: 'web',
    service_type: 'Java',
    docker_image: '-',
  });
  const page = { page: 1, page_size: 20 };
  t.match(await done('GET', `cluster/${cluster}/list_services`, { ...page, cluster_id: cluster, name: '' }), [
    { id: service },
  ]);

  const steps = [];
  for (const [name, command] of [
    ['greet', 'echo {{word}}'],
    ['work', '[ {{word}} != fail ] || { echo "<b>&\\\\" >&2; exit 7; }; sleep {{seconds}}'],
  ] as const) {
    const params = name === 'work' ? { word: 'string', seconds: 'integer' } : { word: 'string' };
    const action = await done<number>('POST', 'action/create', {
      name: `${name}-action`,
      desc: name,
      params,
    });
    await done('POST', 'actimpl/create', { action_id: action, type: 'ansible', template: shell(command) });
    await done('POST', 'remote_step/create', { name, desc: name, actions: [`${name}-action`] });
    steps.push({
      param_values: name === 'work' ? { word: 'x', seconds: 60 } : { word: 'x' },
      name,
      retry: { retry_times: 0, ignore_error: false },
    });
  }
  const template = await done<number>('POST', 'task_tpl/create', { name: 'long', desc: 'long', steps });
  const failing = await done<number>('POST', 'task_tpl/create', {
    name: 'failing',
    desc: 'fails',
    steps: steps.map((step) => ({ ...step, param_values: { ...step.param_values, word: 'fail' } })),
  });
  const saved = await done<{ steps: unknown }>('GET', `task_tpl/${template}`);
  await done('POST', `task_tpl/update/${template}`, { desc: 'changed', id: template, steps: saved.steps });

  const { id: pool } = await done<{ id: number }>('POST', 'pool/create', {
    service_id: service,
    name: 'web-pool',
    desc: 'pool',
    vm_type: 1,
    sd_id: 0,
    tasks: { expand: 0, shrink: 0, deploy: 0 },
  });
  const [row] = await done<{ tasks: object }[]>('GET', `service/${service}/list_pools`, {
    ...page,
    service_id: service,
    name: '',
  });
  t.strictSame(row?.tasks, { expand: 0, shrink: 0, deploy: 0 });
  await done('POST', `pool/update/${pool}`, {
    service_id: service,
    name: 'web-pool',
    desc: 'pool',
    vm_type: 1,
    sd_id: 0,
    id: pool,
    tasks: { expand: 0, shrink: 0, deploy: template },
  });
  const [ip = '', second = ''] = loopbackNodes(2, rig.sshd.port, 90);
  await done('POST', `pool/${pool}/add_nodes`, { nodes: [ip, second] });

  const created = await sent('POST', 'task/create', {
    template_id: template,
    task_name: 'long_20260105',
    max_num: 1,
    max_ratio: 30,
    nodes: [{ ip }, { ip: '' }],
    opr_user: 'root',
  });
  t.match(created, { code: 0, data: null });
  const task = Number(created.ids);
  const running = await waitFor(
    async () => {
      const byState = await done<Record<string, Record<string, unknown>[]>>('GET', `task/${task}/detail`);
      return byState['1']?.[0]?.steps === 'work' && byState['1'];
    },
    { what: 'the node to work' },
  );
  t.match(running, [{ ip, Updated: '0000-00-00 00:00:00' }]);
  await done('GET', `task/pause/${task}`, { id: task });
  t.match(await done('GET', `task/${task}`), { state: 4, end_reason: '', opr_user: 'root' });
  await done('GET', `task/stop/${task}`, { id: task });
  t.match(await done('GET', `task/${task}`), { state: 4, end_reason: 'stopped' });
  t.match(await sent('POST', `task/start/${task}`, { id: task }), { code: 400, msg: /terminated/ });

  const failed = await sent('POST', 'task/create', {
    template_id: failing,
    task_name: 'failing_20260105',
    max_num: 1,
    max_ratio: 30,
    nodes: [{ ip: second }],
    opr_user: 'root',
  });
  const failedTask = Number(failed.ids);
  await waitFor(async () => (await done<{ state: number }>('GET', `task/${failedTask}`)).state === 3, {
    what: 'the task to fail',
  });
  const [node] =
    (await done<Record<string, { error?: string }[]>>('GET', `task/${failedTask}/detail`))['3'] ?? [];
  t.match(node?.error, /7/);
  t.notMatch(node?.error, /["\\<>&]/);

  // The page of scheduled tasks: nothing is saved yet, then what it saves, then it is read back.
  const asks = { pool_id: pool, action: 'uploadList' };
  t.equal(await done('POST', `task/uploadList/${pool}`, asks), null);
  await done('POST', 'task/saveTask', {
    id: 0,
    pool_id: pool,
    type: 'upload',
    exec_type: 'crontab',
    cron_itmes: [
      {
        id: 0,
        exec_task_id: 0,
        instance_num: 0,
        concurr_ratio: 50,
        concurr_num: 1,
        week_day: 0,
        time: '08:00',
        ignore: 1,
      },
    ],
    depend_itmes: [],
  });
  const schedule = await done<{ id: number; cron_items: { id: number }[] }>(
    'POST',
    `task/uploadList/${pool}`,
    asks,
  );
  t.match(schedule, { cron_items: [{ time: '08:00', ignore: true }] });

  t.match(await sent('POST', `task_tpl/delete/${template}`, { id: template }), {
    code: 404,
    msg: `template long is used by pool web-pool to deploy (id ${pool}): change tasks of those pools first`,
  });
});
