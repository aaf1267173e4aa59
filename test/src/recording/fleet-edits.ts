import type { ApiClient } from '../support/api.js';

/** What the nodes of the recorded runs are given to do. */
export interface RecordedTemplates {
  greet: number;
  picky: number;
  slow: number;
  optional: number;
  endless: number;
  stubborn: number;
}

/** Enters a pool with these nodes, and changes and deletes one thing of each kind on the way. */
export async function editInventory(api: ApiClient, nodes: string[]): Promise<void> {
  const make = async (name: string): Promise<{ cluster: number; service: number; pool: number }> => {
    const cluster = await api.ok<number>('/cluster/create', { name, desc: 'a cluster', biz: '1' });
    const service = await api.ok<{ id: number }>('/service/create', {
      name,
      desc: 'a service',
      service_type: 'Java',
      docker_image: '-',
      cluster_id: cluster,
    });
    const pool = await api.ok<{ id: number }>('/pool/create', {
      name,
      desc: 'a pool',
      vm_type: 1,
      sd_id: 1,
      service_id: service.id,
    });
    return { cluster, service: service.id, pool: pool.id };
  };
  const kept = await make('web');
  await api.ok(`/cluster/update/${kept.cluster}`, { name: 'web', desc: 'the cluster of the web' });
  await api.ok(`/service/update/${kept.service}`, { name: 'web', desc: 'the web', docker_image: 'web:2' });
  await api.ok(`/pool/update/${kept.pool}`, { name: 'web', desc: 'its nodes', vm_type: 2 });
  await api.ok(`/pool/${kept.pool}/add_nodes`, { nodes, labels: { zone: 'a', canary: '' } });
  await api.ok('/node/label', { nodes: [nodes[0]], set: { zone: 'b' }, remove: ['canary'] });
  const gone = await make('gone');
  const [node] = await api.ok<number[]>(`/pool/${gone.pool}/add_nodes`, { nodes: ['10.9.9.9'] });
  await api.ok(`/pool/${gone.pool}/remove_nodes`, { nodes: [node] });
  await api.ok(`/pool/delete/${gone.pool}`);
  await api.ok(`/service/delete/${gone.service}`);
  await api.ok(`/cluster/delete/${gone.cluster}`);
}

/** Makes tokens, and revokes one. */
export async function editTokens(api: ApiClient): Promise<void> {
  await api.ok('/token/create', { name: 'ann', role: 'admin' });
  await api.ok('/token/create', { name: 'ci', role: 'operator', expires: '2126-01-01T00:00:00Z' });
  const gone = await api.ok<{ id: number }>('/token/create', { name: 'dashboard', role: 'viewer' });
  await api.ok(`/token/revoke/${gone.id}`);
}

/** Starts two sessions with a token; one is ended, the other is revoked. */
export async function signInAndOut(api: ApiClient, token: string): Promise<void> {
  const start = async (): Promise<{ id: number; cookie: string }> => {
    const answer = await api.fetch(`${api.url}/session`, { method: 'POST', body: JSON.stringify({ token }) });
    const { data } = (await answer.json()) as { data: { session_id: number } };
    return { id: data.session_id, cookie: answer.headers.get('set-cookie')?.split(';')[0] ?? '' };
  };
  const { cookie } = await start();
  await api.fetch(`${api.url}/session`, { method: 'DELETE', headers: { cookie, 'X-Rigel-Console': '1' } });
  const { id } = await start();
  await api.ok(`/session/revoke/${id}`);
}

/** Makes a scheduled task, leaves its next moment out, and takes that back. */
export async function leaveOut(api: ApiClient): Promise<void> {
  const cluster_id = await api.ok<number>('/cluster/create', { name: 'night', desc: '', biz: '1' });
  const named = { name: 'night', desc: '' };
  const service = await api.ok<{ id: number }>('/service/create', {
    ...named,
    service_type: 'Java',
    docker_image: '-',
    cluster_id,
  });
  const template = await api.ok<{ id: number } | number>('/task_tpl/create', {
    ...named,
    steps: [{ name: 'create_vm' }],
  });
  const expand = typeof template === 'number' ? template : template.id;
  const pool = await api.ok<{ id: number }>('/pool/create', {
    ...named,
    vm_type: 1,
    sd_id: 1,
    service_id: service.id,
    tasks: { expand },
  });
  await api.ok('/task/saveTask', {
    id: 0,
    pool_id: pool.id,
    type: 'expand',
    exec_type: 'crontab',
    cron_itmes: [
      { week_day: 0, time: '04:00', instance_num: 0, concurr_ratio: 0, concurr_num: 0, ignore: 0 },
    ],
    depend_itmes: [],
  });
  const [schedule] = await api.ok<{ id: number }[]>(`/task/expandList/${pool.id}`);
  await api.ok(`/schedule/${schedule?.id}/ignore_next`);
  await api.ok(`/schedule/${schedule?.id}/ignore_next`, { undo: true });
}

/** Enters the templates, and changes and deletes one thing of each kind on the way. */
export async function editCatalog(api: ApiClient): Promise<RecordedTemplates> {
  const step = async (name: string, args: string): Promise<{ action: number; step: number }> => {
    const action = await api.ok<number>('/action/create', { name, desc: '', params: { word: 'string' } });
    const template = { action: { module: 'shell', args } };
    await api.ok('/actimpl/create', { type: 'ansible', action_id: action, template });
    const made = await api.ok<number>('/remote_step/create', { name, desc: '', actions: [name] });
    return { action, step: made };
  };
  const template = (
    name: string,
    ...steps: { name: string; retry_times?: number; ignore_error?: boolean }[]
  ) =>
    api.ok<number>('/task_tpl/create', {
      name,
      desc: '',
      steps: steps.map(({ name, retry_times = 0, ignore_error = false }) => ({
        name,
        param_values: { word: 'hello' },
        retry: { retry_times, ignore_error },
      })),
    });
  const greet = await step('greet', 'echo hello');
  // Fails on nodes whose address ends with .1 until somebody repairs them.
  await step(
    'check',
    'set -- $SSH_CONNECTION; case "$3" in *.1) [ -e repaired ] || exit 7;; esac; echo {{word}}',
  );
  await step('wait', 'sleep 3');
  await step('never', 'exit 3');
  await step('endless', 'sleep 300');
  await step(
    'stubborn',
    `/usr/bin/sudo -n sh -c 'trap "" TERM; echo $$ > "$0"; while :; do sleep 1; done' "$HOME/stubborn"`,
  );

  const { id } = await api.ok<{ id: number }>(`/actimpl/${greet.action}`);
  await api.ok(`/actimpl/update/${id}`, {
    by: 'impl',
    template: { action: { module: 'shell', args: 'echo {{word}}' } },
  });
  await api.ok(`/action/update/${greet.action}`, { name: 'greet', desc: 'says a word' });
  await api.ok(`/remote_step/update/${greet.step}`, { name: 'greet', desc: 'says a word' });
  const templates = {
    greet: await template('greet', { name: 'greet' }, { name: 'check', retry_times: 1 }),
    picky: await template('picky', { name: 'check' }, { name: 'wait' }, { name: 'greet' }),
    slow: await template('slow', { name: 'wait' }, { name: 'greet' }),
    endless: await template('endless', { name: 'endless' }),
    stubborn: await template('stubborn', { name: 'stubborn' }),
    optional: await template('optional', { name: 'never', ignore_error: true }, { name: 'greet' }),
  };
  await api.ok(`/task_tpl/update/${templates.greet}`, { name: 'greet', desc: 'greets, and checks' });

  const gone = await step('gone', 'true');
  const unused = await template('unused', { name: 'gone' });
  await api.ok(`/task_tpl/delete/${unused}`);
  await api.ok(`/remote_step/delete/${gone.step}`);
  await api.ok(`/action/delete/${gone.action}`);
  return templates;
}
