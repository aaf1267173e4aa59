import { catalog, fleetExport, ServiceError } from '@rigel/contracts';
import { startTestServers } from '@rigel/testing';
import t from 'tap';
import { startCatalogForTest } from './testing/catalog.js';

/* Who changed what and when, saves that name the version they were made from, and where things are used. */

const servers = await startTestServers();
t.teardown(() => servers.stop());
const { call, inventory, startReplica, stop } = await startCatalogForTest(servers);
t.teardown(stop);

const shell = (args: string) => ({ action: { module: 'shell', args } });
const step = (name: string) => ({ name, param_values: {}, retry: { retry_times: 0, ignore_error: false } });
const history = (kind: 'action' | 'remote_step' | 'template', id: number, rest: object = {}) =>
  call(catalog.history, { kind, id, limit: 100, ...rest });

const { id: action } = await call(catalog.createAction, { name: 'start', desc: '', params: {} });
const { id: other } = await call(catalog.createAction, { name: 'other', desc: '', params: {} });
const { id: impl } = await call(catalog.createActionImpl, {
  action_id: action,
  type: 'ansible',
  template: shell('true'),
});
const { id: remote } = await call(catalog.createRemoteStep, { name: 'run', desc: '', actions: ['start'] });
const { id: template } = await call(catalog.createTemplate, { name: 'roll', desc: '', steps: [step('run')] });

t.test('every thing says its version, and who changed it last', async (t) => {
  const before = Date.now();
  await call(catalog.updateAction, { id: action, desc: 'new', if_version: 1 });
  const stamped = await call(catalog.getAction, { id: action });
  t.match(stamped, { version: 2, updated_by: 'tester' });
  t.ok((stamped.updated_at ?? 0) >= before);
  for (const row of [
    await call(catalog.getActionImpl, { id: impl, by: 'impl' }),
    await call(catalog.getRemoteStep, { id: remote }),
    await call(catalog.getTemplate, { id: template }),
    ...(await call(catalog.listActionImpls, { page: 1, page_size: 1 })).rows,
    ...(await call(catalog.listRemoteSteps, { page: 1, page_size: 1 })).rows,
    ...(await call(catalog.listTemplates, { page: 1, page_size: 1 })).rows,
  ])
    t.match(row, { version: 1, updated_by: 'tester', updated_at: Number });
});

t.test('a change made from an older version is refused, and says who changed the thing since', async (t) => {
  const refused = {
    code: 'conflict',
    field: 'if_version',
    message:
      /^if_version is 1, but action \d+ has version 2 now: tester changed it at \d{4}-.*Z; read it again$/,
  };
  await t.rejects(call(catalog.updateAction, { id: action, desc: 'lost', if_version: 1 }), refused);
  await t.rejects(call(catalog.deleteAction, { id: other, if_version: 7 }), { code: 'conflict' });
  t.match(await call(catalog.getAction, { id: action }), { desc: 'new', version: 2 });
  await t.rejects(call(catalog.updateActionImpl, { id: impl, by: 'impl', type: 'x', if_version: 2 }), {
    code: 'conflict',
    field: 'if_version',
  });
  await t.rejects(call(catalog.deleteActionImpl, { id: impl, if_version: 2 }), {
    code: 'conflict',
    field: 'if_version',
  });
  await t.rejects(call(catalog.updateRemoteStep, { id: remote, desc: 'x', if_version: 2 }), {
    code: 'conflict',
    field: 'if_version',
  });
  await t.rejects(call(catalog.deleteTemplate, { id: template, if_version: 2 }), {
    code: 'conflict',
    field: 'if_version',
  });
  await t.rejects(call(catalog.updateAction, { id: 99, desc: '', if_version: 1 }), { code: 'not_found' });
  // Who names no version goes on as before.
  await call(catalog.updateRemoteStep, { id: remote, desc: 'x' });
});

t.test('a thing says which set of files it is written in, and is exported', async (t) => {
  const set = { managed_by: 'prod' };
  await call(catalog.updateAction, { id: other, ...set });
  await call(catalog.updateAction, { id: other, ...set });
  t.match(await call(catalog.getAction, { id: other }), { ...set, version: 2 });
  const made = await call(catalog.createRemoteStep, { name: 'managed', desc: '', actions: [], ...set });
  t.match(await call(catalog.getRemoteStep, made), set);
  const roll = await call(catalog.createTemplate, {
    name: 'managed',
    desc: '',
    steps: [step('run')],
    ...set,
  });
  await call(catalog.updateTemplate, { ...roll, managed_by: '' });
  t.match(await call(catalog.getTemplate, roll), { managed_by: '', version: 2 });
  for (const managed_by of ['Prod', 'a b', 'p'.repeat(51)])
    await t.rejects(call(catalog.updateTemplate, { ...roll, managed_by }), {
      code: 'invalid',
      field: 'managed_by',
    });
  t.match(await call(fleetExport.catalog, {}), {
    actions: [
      { name: 'start', version: 2 },
      { name: 'other', ...set },
    ],
    implementations: [{ id: impl, template: shell('true') }],
    steps: [{ name: 'run' }, { name: 'managed' }],
    templates: [{ name: 'roll' }, { name: 'managed' }],
  });
  const ofSet = await call(fleetExport.catalog, set);
  t.match(ofSet, { actions: [{ id: other }], steps: [made] });
  t.strictSame([ofSet.implementations, ofSet.templates], [[], []]);
  await call(catalog.deleteTemplate, roll);
  await call(catalog.deleteRemoteStep, made);
});

t.test('of ten saves at two replicas that were made from one version, one wins', async (t) => {
  await startReplica();
  const outcomes = await Promise.all(
    Array.from({ length: 10 }, (_, n) =>
      call(catalog.updateTemplate, { id: template, desc: `by ${n}`, if_version: 1 }).then(
        () => 'done',
        (error: ServiceError) => `${error.code} ${error.field}`,
      ),
    ),
  );
  t.strictSame(outcomes.sort(), [...Array(9).fill('conflict if_version'), 'done']);
  t.match(await call(catalog.getTemplate, { id: template }), { version: 2 });
});

t.test('a history tells what changed, newest first, with the implementations of an action', async (t) => {
  await call(catalog.updateActionImpl, { id: impl, by: 'impl', template: shell('true {{tag}}') });
  const { entries, more } = await history('action', action);
  t.notOk(more);
  t.match(entries, [
    {
      change: 'implementation_changed',
      implementation: impl,
      operator: 'tester',
      correlation_id: 'test',
      fields: [{ name: 'template', before: shell('true'), after: shell('true {{tag}}') }],
    },
    { change: 'changed', version: 2, fields: [{ name: 'desc', before: '', after: 'new' }] },
    { change: 'implementation_created', implementation: impl },
    {
      change: 'created',
      version: 1,
      fields: [{ name: 'desc' }, { name: 'name', before: null, after: 'start' }, { name: 'params' }],
    },
  ]);
  const first = await history('action', action, { limit: 1 });
  t.ok(first.more);
  const rest = await history('action', action, { before: first.entries[0]?.position });
  t.strictSame([...first.entries, ...rest.entries], entries, 'pages join without a gap');
  await t.rejects(history('action', 99), { code: 'not_found' });
});

t.test(
  'an implementation that moved stands in the history of both actions, up to the move and from it on',
  async (t) => {
    const made = await call(catalog.createActionImpl, {
      action_id: other,
      type: 'spare',
      template: shell('a'),
    });
    await call(catalog.updateActionImpl, { id: made.id, by: 'impl', template: shell('b') });
    await call(catalog.updateActionImpl, { id: made.id, by: 'impl', action_id: action });
    await call(catalog.updateActionImpl, { id: made.id, by: 'impl', template: shell('c') });
    await call(catalog.deleteActionImpl, { id: made.id });
    const changesOf = async (id: number) =>
      (await history('action', id)).entries
        .filter((entry) => entry.implementation === made.id)
        .map(({ change }) => change);
    t.strictSame(await changesOf(other), [
      'implementation_changed',
      'implementation_changed',
      'implementation_created',
    ]);
    t.strictSame(await changesOf(action), [
      'implementation_deleted',
      'implementation_changed',
      'implementation_changed',
    ]);
  },
);

t.test('uses go through steps and templates to pools', async (t) => {
  inventory.poolsNaming = async (id) =>
    id === template
      ? { pools: [{ id: 4, name: 'web', kinds: ['deploy'] }], total: 5 }
      : { pools: [], total: 0 };
  const pools = { rows: [{ id: 4, name: 'web', kinds: ['deploy'], template_id: template }], total: 5 };
  const none = { rows: [], total: 0 };
  const steps = { rows: [{ id: remote, name: 'run' }], total: 1 };
  const templates = { rows: [{ id: template, name: 'roll' }], total: 1 };
  const uses = (kind: 'action' | 'remote_step' | 'template', id: number) => call(catalog.uses, { kind, id });
  t.strictSame(await uses('action', action), { remote_steps: steps, templates, pools });
  t.strictSame(await uses('remote_step', remote), { remote_steps: none, templates, pools });
  t.strictSame(await uses('template', template), { remote_steps: none, templates: none, pools });
  t.strictSame(await uses('action', other), { remote_steps: none, templates: none, pools: none });
  await t.rejects(uses('action', 99), { code: 'not_found', message: 'action 99 does not exist' });
  inventory.poolsNaming = async () => {
    throw new ServiceError('unavailable', 'away');
  };
  t.match(await uses('template', template), { pools: null }, 'without the inventory the rest is answered');
});

t.test('a deleted thing keeps its history', async (t) => {
  inventory.poolsNaming = async () => ({ pools: [], total: 0 });
  await call(catalog.deleteTemplate, { id: template, if_version: 2 });
  await call(catalog.deleteRemoteStep, { id: remote });
  await call(catalog.deleteAction, { id: action });
  t.match((await history('template', template)).entries[0], { change: 'deleted', version: 3, fields: [] });
  t.match((await history('remote_step', remote)).entries[0], { change: 'deleted' });
  t.match((await history('action', action)).entries.slice(0, 2), [
    { change: 'implementation_deleted' },
    { change: 'deleted' },
  ]);
  await t.rejects(call(catalog.uses, { kind: 'template', id: template }), { code: 'not_found' });
});
