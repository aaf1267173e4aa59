import { randomUUID } from 'node:crypto';
import { catalog } from '@rigel/contracts';
import { startTestServers } from '@rigel/testing';
import t from 'tap';
import { assertReplayable, startCatalogForTest } from './testing/catalog.js';

/* What is in use stays, and a number that means two things never means another one's. */

const servers = await startTestServers();
t.teardown(() => servers.stop());
const { call, inventory, stop } = await startCatalogForTest(servers);
t.teardown(stop);

const shell = (args: string) => ({ action: { module: 'shell', args } });
const action = (name: string) => call(catalog.createAction, { name, desc: '', params: {} });
const impl = (action_id: number, text: string, type = 'ansible') =>
  call(catalog.createActionImpl, { action_id, type, template: shell(text) });
const remoteStep = (name: string, actions: string[]) =>
  call(catalog.createRemoteStep, { name, desc: '', actions });
const template = (name: string) => call(catalog.createTemplate, { name, desc: '', steps: [] });

t.test('an action without an implementation, where another one has its number', async (t) => {
  // As after a refused action/create: the numbers of actions and of implementations have drifted apart.
  const [one, two, three] = [await action('one'), await action('two'), await action('three')];
  const ofOne = await impl(one.id, 'echo one');
  const ofThree = await impl(three.id, 'echo three');
  t.equal(ofThree.id, two.id, 'the implementation of one has the number of another');
  await t.rejects(call(catalog.getActionImpl, { id: two.id }), {
    code: 'not_found',
    message: `action ${two.id} has no implementation`,
  });
  t.match(await call(catalog.getActionImpl, { id: two.id, by: 'impl' }), { action_id: three.id });

  // What the web console sends when the form of action two is saved.
  await t.rejects(call(catalog.updateActionImpl, { id: two.id, action_id: two.id, type: 'ansible' }), {
    code: 'invalid',
    field: 'template',
    message: `action ${two.id} has no implementation: to make one, template must be given`,
  });
  const save = (text: string) =>
    call(catalog.updateActionImpl, { id: two.id, action_id: two.id, type: 'ansible', template: shell(text) });
  await save('echo two');
  const made = await call(catalog.getActionImpl, { id: two.id });
  t.match(made, { action_id: two.id, template: shell('echo two') });
  t.notOk([ofOne.id, ofThree.id].includes(made.id), 'a new one');
  await save('echo two again');
  t.match(await call(catalog.getActionImpl, { id: two.id }), {
    id: made.id,
    template: shell('echo two again'),
  });
  t.match(await call(catalog.getActionImpl, { id: three.id }), {
    id: ofThree.id,
    template: shell('echo three'),
  });

  await t.rejects(
    call(catalog.updateActionImpl, { id: 99, action_id: 99, type: 'ansible', template: shell('x') }),
    { code: 'not_found', field: 'action_id' },
  );
  // A number that no action has can only be an implementation's.
  const extra = await impl(one.id, 'true', 'noop');
  t.equal(made.id, 3);
  t.match(await call(catalog.getActionImpl, { id: extra.id }), { id: extra.id, action_id: one.id });
});

t.test('what a remote step runs is not taken away', async (t) => {
  const { id } = await action('restart');
  const free = await action('free');
  const only = await impl(id, 'systemctl restart web');
  const steps = ['a', 'b', 'c', 'd'].map((name) => `uses-${name}`);
  const made = [];
  for (const name of steps) made.push(await remoteStep(name, ['restart']));
  const [first] = made as [{ id: number }];
  const used = {
    code: 'in_use',
    message:
      `implementation ${only.id} is all that action restart runs, which is used by remote steps uses-a (id ${first.id}), ` +
      `uses-b (id ${first.id + 1}), uses-c (id ${first.id + 2}) and 1 more: change its template instead`,
  };
  await t.rejects(call(catalog.deleteActionImpl, { id: only.id }), used);
  await t.rejects(call(catalog.deleteActionImpl, { id, by: 'action' }), used);
  await t.rejects(call(catalog.updateActionImpl, { id: only.id, by: 'impl', action_id: free.id }), used);
  await t.rejects(call(catalog.updateActionImpl, { id: only.id, by: 'impl', type: 'salt' }), used);
  await t.rejects(call(catalog.deleteAction, { id }), {
    code: 'in_use',
    message: /^action restart is used by remote steps uses-a \(id \d+\), .* and 1 more$/,
  });
  await call(catalog.updateActionImpl, {
    id: only.id,
    by: 'impl',
    template: shell('systemctl restart web2'),
  });
  t.match(await call(catalog.getActionImpl, { id }), {
    id: only.id,
    template: shell('systemctl restart web2'),
  });

  // With another one to run it may go.
  await impl(id, 'true', 'noop');
  await call(catalog.deleteActionImpl, { id: only.id });
  for (const step of made) await call(catalog.deleteRemoteStep, step);
  await call(catalog.deleteActionImpl, { id, by: 'action' });
});

t.test('a template that pools name stays, and the refusal names them', async (t) => {
  const { id } = await template('rollout');
  const asked: number[] = [];
  inventory.poolsNaming = async (templateId) => {
    asked.push(templateId);
    return { pools: [{ id: 3, name: 'web', kinds: ['deploy', 'expand'] }], total: 7 };
  };
  await t.rejects(call(catalog.deleteTemplate, { id }), {
    code: 'in_use',
    message:
      'template rollout is used by pools web to deploy, expand (id 3) and 6 more: change tasks of those pools first',
  });
  await t.rejects(call(catalog.deleteTemplate, { id: 99 }), { code: 'not_found' });
  t.strictSame(asked, [id], 'nobody is asked for what there is not');
  inventory.poolsNaming = async () => ({ pools: [], total: 0 });
  await call(catalog.deleteTemplate, { id });
});

t.test('a template is not deleted while a pool comes to name it', async (t) => {
  const { id } = await template('held');
  const hold = randomUUID();
  t.strictSame(await call(catalog.holdTemplates, { ids: [id, id], hold, ttl_ms: 60_000 }), { deleted: [] });
  const refused = {
    code: 'in_use',
    message: 'a pool that names template held is just being saved: try again',
  };
  await t.rejects(call(catalog.deleteTemplate, { id }), refused);
  await call(catalog.releaseTemplates, { hold });

  // The pool is saved after the inventory has said that no pool names the template, and before the template is deleted.
  inventory.poolsNaming = async () => {
    const meanwhile = randomUUID();
    await call(catalog.holdTemplates, { ids: [id], hold: meanwhile, ttl_ms: 60_000 });
    await call(catalog.releaseTemplates, { hold: meanwhile });
    return { pools: [], total: 0 };
  };
  await t.rejects(call(catalog.deleteTemplate, { id }), refused);

  inventory.poolsNaming = async () => ({ pools: [], total: 0 });
  await call(catalog.deleteTemplate, { id });
  const late = { ids: [id, 999_999], hold: randomUUID(), ttl_ms: 60_000 };
  t.strictSame(
    await call(catalog.holdTemplates, late),
    { deleted: [id] },
    'an id never given is not one deleted',
  );
});

t.test('the read tables can be made again from the events', (t) => assertReplayable(t, servers));
