import { setTimeout as sleep } from 'node:timers/promises';
import { catalog, health, inventory, type ServiceName, tasks } from '@rigel/contracts';
import { startTestServers } from '@rigel/testing';
import t from 'tap';
import { callPatiently } from './patient-call.js';

t.test('operations that may take long', async (t) => {
  const servers = await startTestServers();
  t.teardown(() => servers.stop());
  const services = await servers.startBus('services');
  const bus = await servers.startBus('gateway');
  const context = { correlationId: 'c', actor: 'a' };
  const say = (service: ServiceName, state: () => string): void => {
    services.serve(health(service), async () => ({ name: service, checks: { database: state() } }));
  };
  let inventoryState = 'ok';
  say('inventory', () => inventoryState);
  say('scheduler', () => 'ok');
  services.serve(inventory.addNodes, async ({ nodes }) => {
    await sleep(nodes.length);
    return { ids: [1] };
  });
  const addNodes = (ms: number) =>
    callPatiently(bus, inventory.addNodes, { pool_id: 1, nodes: Array(ms).fill('a') }, context);

  await t.test('are waited for while their service is well', async (t) => {
    t.same(await addNodes(6_000), { ids: [1] });
  });

  await t.test('are waited for when their service has been unwell for a moment', async (t) => {
    inventoryState = 'the database does not answer';
    const answer = addNodes(6_000);
    await sleep(2_000);
    inventoryState = 'ok';
    t.same(await answer, { ids: [1] });
  });

  await t.test('are given up when their service stays unwell', async (t) => {
    inventoryState = 'the database does not answer';
    await t.rejects(addNodes(20_000), {
      code: 'unavailable',
      message: 'inventory cannot work: the database does not answer',
    });
    inventoryState = 'ok';
  });

  await t.test('are given up when another service that they need says nothing', async (t) => {
    services.serve(tasks.create, () => sleep(20_000, { ids: [1] }));
    const request = {
      template_id: 1,
      task_name: 'a',
      timeout: 0,
      auto: true,
      max_ratio: 100,
      max_num: 0,
      opr_user: 'a',
      nodes: ['a'],
      params: {},
    };
    await t.rejects(callPatiently(bus, tasks.create, request, context), {
      code: 'unavailable',
      message: /^catalog cannot work: /,
    });
  });

  await t.test('others are called as they are', async (t) => {
    services.serve(catalog.getAction, async ({ id }) => ({ id, name: 'a', desc: '', params: {} }));
    t.match(await callPatiently(bus, catalog.getAction, { id: 7 }, context), { id: 7 });
  });
});
