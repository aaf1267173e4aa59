import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { catalog, health, readEvents } from '@rigel/contracts';
import { startTestServers, waitFor } from '@rigel/testing';
import t from 'tap';
import { assertReplayable, startCatalogForTest } from './testing/catalog.js';

const servers = await startTestServers();
t.teardown(() => servers.stop());
const { call: callStamped, stop } = await startCatalogForTest(servers);
t.teardown(stop);

/** Calls an operation, and leaves out what rows say about their last change: stamps are tried in changes.test.ts. */
const call: typeof callStamped = async (rpc, request) =>
  JSON.parse(JSON.stringify(await callStamped(rpc, request)), withoutStamp);
function withoutStamp(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('updated_by' in value)) return value;
  const {
    version: _version,
    updated_at: _at,
    updated_by: _by,
    managed_by: _set,
    ...own
  } = value as Record<string, unknown>;
  return own;
}

const all = { page: 1, page_size: 10_000 };
const shell = (args: string) => ({ action: { module: 'shell', args } });
const retry = { retry_times: 2, ignore_error: false };
const step = (name: string) => ({ name, param_values: { tag: '1' }, retry });

t.test('actions', async (t) => {
  const params = { tag: 'string', port: 'integer' };
  const a = await call(catalog.createAction, { name: ' start ', desc: 'd', params });
  const b = await call(catalog.createAction, { name: 'stop', desc: '', params: {} });
  t.strictSame([a, b], [{ id: 1 }, { id: 2 }]);
  const rows = [
    { id: 2, name: 'stop', desc: '', params: {} },
    { id: 1, name: 'start', desc: 'd', params },
  ];
  t.strictSame(await call(catalog.listActions, all), { rows, total: 2 }, 'newest first');
  t.strictSame(await call(catalog.listActions, { page: 2, page_size: 1 }), { rows: rows.slice(1), total: 2 });
  t.strictSame(await call(catalog.listActions, { ...all, name: 'sto' }), {
    rows: rows.slice(0, 1),
    total: 1,
  });
  t.strictSame(await call(catalog.getAction, a), rows[1]);
  await call(catalog.updateAction, { id: 1, desc: 'new', params: { tag: 'string' } });
  t.strictSame(await call(catalog.getAction, a), {
    id: 1,
    name: 'start',
    desc: 'new',
    params: { tag: 'string' },
  });

  const taken = { code: 'conflict', field: 'name', message: 'another action is named start' };
  await t.rejects(call(catalog.createAction, { name: 'start', desc: '', params: {} }), taken);
  await t.rejects(call(catalog.updateAction, { id: 2, name: 'start' }), taken);
  await t.rejects(call(catalog.createAction, { name: 'x', desc: '', params: { a: 'float' } }), {
    code: 'invalid',
    field: 'params',
  });
  for (const rpc of [catalog.getAction, catalog.updateAction, catalog.deleteAction] as const) {
    await t.rejects(call(rpc, { id: 99 }), { code: 'not_found', message: 'action 99 does not exist' });
  }
});

t.test('implementations', async (t) => {
  const impl = { type: 'ansible', template: shell('start {{tag}}') };
  const a = await call(catalog.createActionImpl, { ...impl, action_id: 1 });
  const b = await call(catalog.createActionImpl, {
    action_id: 2,
    type: 'noop',
    template: { action: { module: 'any' } },
  });
  const c = await call(catalog.createActionImpl, { action_id: 2, type: 'ansible', template: shell('stop') });
  t.strictSame([a, b, c], [{ id: 1 }, { id: 2 }, { id: 3 }]);
  await t.rejects(call(catalog.createActionImpl, { ...impl, action_id: 1 }), {
    code: 'conflict',
    field: 'type',
    message: 'the action has an implementation of type ansible',
  });
  await t.rejects(call(catalog.createActionImpl, { ...impl, action_id: 99 }), {
    code: 'not_found',
    field: 'action_id',
    message: 'action_id 99 does not exist',
  });
  await t.rejects(call(catalog.createActionImpl, { type: 'x', action_id: 1, template: shell('"{{tag}}') }), {
    code: 'invalid',
    field: 'template',
  });
  t.match(await call(catalog.listActionImpls, { page: 1, page_size: 2 }), {
    rows: [{ id: c.id }, { id: b.id }],
    total: 3,
  });

  // Action 2 has implementations 2 and 3; implementation 3 has no action of its number.
  const found = async (id: number, by?: 'impl' | 'action') =>
    (await call(catalog.getActionImpl, { id, ...(by && { by }) })).id;
  t.strictSame(
    [await found(2), await found(2, 'action'), await found(2, 'impl'), await found(3)],
    [3, 3, 2, 3],
  );
  await t.rejects(found(3, 'action'), { code: 'not_found', message: 'action 3 has no implementation' });
  await t.rejects(found(99, 'impl'), { code: 'not_found', message: 'implementation 99 does not exist' });
  await t.rejects(found(99), { code: 'not_found' });

  // The number is read as an implementation's unless told otherwise, or the body names the same action.
  await call(catalog.updateActionImpl, { id: 2, template: { action: { module: 'other' } } });
  await call(catalog.updateActionImpl, { id: 2, action_id: 2, template: shell('stop -f') });
  await call(catalog.updateActionImpl, { id: 2, by: 'action', type: 'ansible', template: shell('stop -9') });
  t.match(await call(catalog.listActionImpls, all), {
    rows: [
      { id: 3, template: shell('stop -9') },
      { id: 2, template: { action: { module: 'other' } } },
      { id: 1 },
    ],
  });
  await t.rejects(call(catalog.updateActionImpl, { id: 3, action_id: 1 }), {
    code: 'conflict',
    field: 'action_id',
  });
  await t.rejects(call(catalog.updateActionImpl, { id: 2, by: 'impl', type: 'ansible' }), {
    code: 'conflict',
    field: 'type',
  });
  await t.rejects(call(catalog.updateActionImpl, { id: 3, action_id: 99 }), {
    code: 'not_found',
    field: 'action_id',
  });
  await t.rejects(call(catalog.updateActionImpl, { id: 99, type: 'x' }), { code: 'not_found' });
  await t.rejects(call(catalog.updateActionImpl, { id: 99, by: 'action', type: 'x' }), { code: 'not_found' });

  // A word of Go's templates is a parameter only where the action says so.
  const loop = await call(catalog.createAction, { name: 'loop', desc: '', params: { end: 'integer' } });
  const until = { type: 'ansible', template: shell('seq {{end}}') };
  const refused = { code: 'invalid', field: 'template', message: /write {{{{end}}}}/ };
  await t.rejects(call(catalog.createActionImpl, { ...until, action_id: 99 }), refused);
  const ofLoop = await call(catalog.createActionImpl, { ...until, action_id: loop.id });
  await call(catalog.updateActionImpl, { id: ofLoop.id, by: 'impl', template: shell('seq 1 {{end}}') });
  await t.rejects(
    call(catalog.updateActionImpl, { id: 1, by: 'impl', template: shell('seq {{end}}') }),
    refused,
  );
  await call(catalog.deleteActionImpl, { id: ofLoop.id });

  // A destructive call does not guess: 1 is an implementation here, though an action has the number as well.
  const spare = await call(catalog.createAction, { name: 'spare', desc: '', params: {} });
  const d = await call(catalog.createActionImpl, {
    action_id: spare.id,
    type: 'noop',
    template: { action: { module: 'm' } },
  });
  await call(catalog.updateActionImpl, { id: d.id, type: 'ansible', action_id: spare.id });
  await call(catalog.deleteActionImpl, { id: spare.id, by: 'action' });
  await t.rejects(found(d.id, 'impl'), { code: 'not_found' });
  await t.rejects(call(catalog.deleteActionImpl, { id: spare.id, by: 'action' }), { code: 'not_found' });
  await t.rejects(call(catalog.deleteActionImpl, { id: 99 }), { code: 'not_found' });
  await call(catalog.deleteActionImpl, { id: b.id });
  t.equal((await call(catalog.listActionImpls, all)).total, 2);
});

t.test('remote steps', async (t) => {
  const a = await call(catalog.createRemoteStep, {
    name: 'deploy',
    desc: '',
    actions: ['stop', 'start', 'not yet there'],
  });
  const b = await call(catalog.createRemoteStep, { name: 'other', desc: '', actions: [] });
  t.strictSame([a, b], [{ id: 1 }, { id: 2 }]);
  t.strictSame(await call(catalog.getRemoteStep, a), {
    id: 1,
    name: 'deploy',
    desc: '',
    actions: ['stop', 'start', 'not yet there'],
  });
  t.match(await call(catalog.listRemoteSteps, { page: 1, page_size: 1 }), { rows: [{ id: 2 }], total: 2 });
  t.match(await call(catalog.listRemoteSteps, { ...all, name: 'dep' }), { rows: [{ id: 1 }], total: 1 });
  await call(catalog.updateRemoteStep, { id: 2, name: 'other2', actions: ['stop'] });
  t.strictSame(await call(catalog.getRemoteStep, b), { id: 2, name: 'other2', desc: '', actions: ['stop'] });
  await t.rejects(call(catalog.createRemoteStep, { name: 'deploy', desc: '', actions: [] }), {
    code: 'conflict',
    field: 'name',
  });
  await t.rejects(call(catalog.createRemoteStep, { name: 'create_vm', desc: '', actions: [] }), {
    code: 'conflict',
    field: 'name',
  });
  await t.rejects(call(catalog.updateRemoteStep, { id: 2, name: 'deploy' }), {
    code: 'conflict',
    field: 'name',
  });
  for (const rpc of [catalog.getRemoteStep, catalog.updateRemoteStep, catalog.deleteRemoteStep] as const) {
    await t.rejects(call(rpc, { id: 99 }), { code: 'not_found', message: 'remote step 99 does not exist' });
  }
});

t.test('an action that a remote step names stays, under its name', async (t) => {
  const used = {
    code: 'in_use',
    message: 'action stop is used by remote steps deploy (id 1), other2 (id 2)',
  };
  await t.rejects(call(catalog.deleteAction, { id: 2 }), used);
  await t.rejects(call(catalog.updateAction, { id: 2, name: 'halt' }), used);
  await call(catalog.updateAction, { id: 2, name: ' stop ', desc: 'still stop' });
  t.match(await call(catalog.getAction, { id: 2 }), { name: 'stop', desc: 'still stop' });
  // What no step names any more may be renamed, and take a name that a step is waiting for.
  const { id } = await call(catalog.createAction, { name: 'late', desc: '', params: { port: 'integer' } });
  await call(catalog.updateAction, { id, name: 'not yet there' });
  await t.rejects(call(catalog.deleteAction, { id }), { code: 'in_use' });
  await call(catalog.updateRemoteStep, { id: 1, actions: ['stop', 'start'] });
  await call(catalog.deleteAction, { id });
});

t.test('templates', async (t) => {
  const a = await call(catalog.createTemplate, {
    name: 'rollout',
    desc: '',
    steps: [step('register'), step(' deploy ')],
  });
  const b = await call(catalog.createTemplate, { name: 'empty', desc: '', steps: [] });
  t.strictSame([a, b], [{ id: 1 }, { id: 2 }]);
  const rollout = { id: 1, name: 'rollout', desc: '', steps: [step('register'), step('deploy')] };
  t.strictSame(await call(catalog.getTemplate, a), rollout);
  t.match(await call(catalog.listTemplates, all), { rows: [{ id: 2, steps: [] }, rollout], total: 2 });
  t.match(await call(catalog.listTemplates, { ...all, name: 'oll' }), { rows: [rollout], total: 1 });
  const unknown = (place: number) => ({
    code: 'not_found',
    field: `steps.${place}.name`,
    message: 'steps: there is no step named nope',
  });
  await t.rejects(
    call(catalog.createTemplate, { name: 'x', desc: '', steps: [step('deploy'), step('nope')] }),
    unknown(1),
  );
  await t.rejects(call(catalog.updateTemplate, { id: 2, steps: [step('nope')] }), unknown(0));
  await t.rejects(call(catalog.createTemplate, { name: 'rollout', desc: '', steps: [] }), {
    code: 'conflict',
    field: 'name',
  });
  await t.rejects(call(catalog.updateTemplate, { id: 2, name: 'rollout' }), {
    code: 'conflict',
    field: 'name',
  });
  await t.rejects(
    call(catalog.createTemplate, {
      name: 'x',
      desc: '',
      steps: [{ ...step('deploy'), retry: { ...retry, retry_times: 101 } }],
    }),
    { code: 'invalid', field: 'steps.0.retry.retry_times' },
  );
  for (const rpc of [
    catalog.getTemplate,
    catalog.updateTemplate,
    catalog.deleteTemplate,
    catalog.resolveTemplate,
  ] as const) {
    await t.rejects(call(rpc, { id: 99 }), { code: 'not_found', message: 'template 99 does not exist' });
  }
});

t.test('a remote step that a template names stays, under its name', async (t) => {
  const used = { code: 'in_use', message: 'remote step deploy is used by template rollout (id 1)' };
  await t.rejects(call(catalog.deleteRemoteStep, { id: 1 }), used);
  await t.rejects(call(catalog.updateRemoteStep, { id: 1, name: 'deploy2' }), used);
  await call(catalog.updateRemoteStep, { id: 1, name: 'deploy', desc: 'still deploy' });
  await call(catalog.updateTemplate, { id: 1, steps: [step('register')], desc: 'no deploy' });
  await call(catalog.updateRemoteStep, { id: 1, name: 'deploy2' });
  await call(catalog.updateTemplate, { id: 1, steps: [step('register'), step('deploy2')] });
  await call(catalog.deleteTemplate, { id: 2 });
  t.ok(
    (await call(catalog.createTemplate, { name: 'empty', desc: '', steps: [] })).id > 2,
    'the name is free, the id is not',
  );
});

t.test('a template is resolved to all it takes to run it', async (t) => {
  t.strictSame(await call(catalog.resolveTemplate, { id: 1 }), {
    id: 1,
    name: 'rollout',
    steps: [
      { name: 'register', kind: 'sd', param_values: { tag: '1' }, retry, actions: [] },
      {
        name: 'deploy2',
        kind: 'remote',
        param_values: { tag: '1' },
        retry,
        actions: [
          { name: 'stop', params: {}, module: 'shell', text: 'stop -9' },
          { name: 'start', params: { tag: 'string' }, module: 'shell', text: 'start {{tag}}' },
        ],
      },
    ],
  });
  await call(catalog.updateRemoteStep, { id: 1, actions: ['stop', 'nowhere'] });
  await t.rejects(call(catalog.resolveTemplate, { id: 1 }), {
    code: 'invalid',
    message: 'step deploy2: action nowhere does not exist',
  });
  await call(catalog.updateRemoteStep, { id: 1, actions: ['spare'] });
  await t.rejects(call(catalog.resolveTemplate, { id: 1 }), {
    code: 'invalid',
    message: 'step deploy2: action spare has no implementation of type ansible',
  });
  const stepless = (await call(catalog.listTemplates, { ...all, name: 'empty' })).rows[0]?.id ?? 0;
  await t.rejects(call(catalog.resolveTemplate, { id: stepless }), {
    code: 'invalid',
    message: 'the template has no step',
  });
});

t.test('the secrets that a step allows are read as they were saved, and reach who makes tasks', async (t) => {
  await call(catalog.updateRemoteStep, { id: 1, actions: ['stop', 'start'] });
  const allowed_secrets = { tag: ['db-password'] };
  const steps = [{ ...step('deploy2'), allowed_secrets }, step('deploy2')];
  const { id } = await call(catalog.createTemplate, { name: 'with secrets', desc: '', steps });
  t.strictSame((await call(catalog.getTemplate, { id })).steps, steps);
  const { steps: resolved } = await call(catalog.resolveTemplate, { id });
  t.strictSame(resolved[0]?.allowed_secrets, allowed_secrets);
  t.notOk(resolved[1] && 'allowed_secrets' in resolved[1], 'another step of the same name allows none');
  await t.rejects(
    call(catalog.updateTemplate, {
      id,
      steps: [{ ...step('deploy2'), allowed_secrets: { tag: ['../ssh'] } }],
    }),
    {
      code: 'invalid',
      field: 'steps.0.allowed_secrets.tag',
      message: /step deploy2: allowed_secrets\.tag: \.\.\/ssh is no name/,
    },
  );
  t.strictSame((await call(catalog.getTemplate, { id })).steps, steps, 'a refusal changes nothing');
  await call(catalog.updateTemplate, {
    id,
    steps: [{ ...step('deploy2'), allowed_secrets: { tag: ['other'] } }],
  });
  t.match((await call(catalog.resolveTemplate, { id })).steps, [{ allowed_secrets: { tag: ['other'] } }]);
  await call(catalog.updateTemplate, { id, steps: [step('deploy2')] });
  t.notOk((await call(catalog.getTemplate, { id })).steps.some((one) => 'allowed_secrets' in one));
  await call(catalog.deleteTemplate, { id });
});

t.test('the steps that templates can name: built-in ones first', async (t) => {
  await call(catalog.updateRemoteStep, { id: 1, actions: ['start', 'stop', 'nowhere'] });
  const { rows, total } = await call(catalog.listUsableSteps, all);
  t.equal(total, 6);
  t.strictSame(
    rows.map(({ id, name, type, params }) => [id, name, type, params]),
    [
      [1, 'create_vm', 'vm', { vm_type_id: 'integer' }],
      [2, 'return_vm', 'vm', { vm_type_id: 'integer' }],
      [3, 'register', 'sd', { service_discovery_id: 'integer' }],
      [4, 'unregister', 'sd', { service_discovery_id: 'integer' }],
      [5, 'deploy2', 'remote', { tag: 'string' }],
      [6, 'other2', 'remote', {}],
    ],
  );
  const pages = [];
  for (let page = 1; page <= 4; page++) {
    const part = await call(catalog.listUsableSteps, { page, page_size: 2 });
    t.equal(part.total, 6);
    pages.push(...part.rows);
  }
  t.strictSame(pages, rows, 'pages put together are the whole');
  t.match(await call(catalog.listUsableSteps, { page: 2, page_size: 5 }), { rows: [{ id: 6 }], total: 6 });
  t.match(await call(catalog.listUsableSteps, { ...all, name: 're' }), {
    rows: [{ name: 'create_vm' }, { name: 'return_vm' }, { name: 'register' }, { name: 'unregister' }],
    total: 4,
  });
  t.match(await call(catalog.listUsableSteps, { ...all, name: 'other' }), { rows: [{ id: 6 }], total: 1 });
});

t.test('the implementations of a deleted action go with it, in the history too', async (t) => {
  const { id } = await call(catalog.createAction, { name: 'brief', desc: '', params: {} });
  const made = [];
  for (const type of ['ansible', 'noop']) {
    made.push((await call(catalog.createActionImpl, { action_id: id, type, template: shell('true') })).id);
  }
  await call(catalog.deleteAction, { id });
  for (const impl of made) {
    await t.rejects(call(catalog.getActionImpl, { id: impl, by: 'impl' }), { code: 'not_found' });
    await t.rejects(call(catalog.updateActionImpl, { id: impl, type: 'x' }), { code: 'not_found' });
  }
  const { head } = await call(readEvents('catalog'), { after: 0, limit: 1 });
  t.match((await call(readEvents('catalog'), { after: head - 3, limit: 10 })).events, [
    { stream: `action-${id}`, type: 'ActionDeleted', meta: { correlationId: 'test', actor: 'tester' } },
    { stream: `actimpl-${made[0]}`, version: 2, type: 'ActionImplDeleted', data: { id: made[0] } },
    { stream: `actimpl-${made[1]}`, version: 2, type: 'ActionImplDeleted', data: { id: made[1] } },
  ]);
});

t.test('the read tables can be made again from the events', (t) => assertReplayable(t, servers));

t.test('as a process of its own it serves, and ends cleanly when asked to', async (t) => {
  await stop();
  const service = spawn(process.execPath, [new URL('./main.js', import.meta.url).pathname], {
    env: {
      ...process.env,
      DATABASE_URL: servers.databaseUrl,
      NATS_URL: servers.natsUrl,
      RIGEL_LOG_LEVEL: 'fatal',
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  t.teardown(() => service.kill('SIGKILL'));
  t.strictSame(
    await waitFor(() => call(health('catalog'), {}), { what: 'the process to serve', timeoutMs: 30_000 }),
    {
      name: 'catalog',
      checks: { database: 'ok', nats: 'ok' },
    },
  );
  t.match(await call(catalog.getAction, { id: 1 }), { name: 'start' });
  service.kill('SIGTERM');
  t.strictSame(await once(service, 'exit'), [0, null]);
});
