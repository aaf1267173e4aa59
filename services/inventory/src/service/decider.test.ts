import t from 'tap';
import { type ServiceCommand, type ServiceEvent, serviceDecider } from './decider.js';

const decide = (events: ServiceEvent[], command: ServiceCommand) =>
  serviceDecider.decide(command, events.reduce(serviceDecider.evolve, serviceDecider.initial));

const api = { id: 3, name: 'api', desc: '', service_type: 'Java', docker_image: 'r/api:1', cluster_id: 1 };
const created: ServiceEvent = { type: 'ServiceCreated', data: api };

t.test('a service is created, moved to another cluster and deleted', async (t) => {
  t.strictSame(decide([], { do: 'create', ...api, name: ' api ' }), [created]);
  const moved: ServiceEvent = { type: 'ServiceChanged', data: { id: 3, cluster_id: 2 } };
  t.strictSame(decide([created], { do: 'change', ...api, cluster_id: 2 }), [moved]);
  t.strictSame(decide([created, moved], { do: 'change', id: 3, cluster_id: 2 }), []);
  t.strictSame(decide([created, moved], { do: 'delete', id: 3 }), [
    { type: 'ServiceDeleted', data: { id: 3 } },
  ]);
});

t.test('each text is checked under its own name', async (t) => {
  for (const field of ['name', 'desc', 'service_type', 'docker_image']) {
    t.throws(() => decide([], { do: 'create', ...api, [field]: 'a\0' }), { code: 'invalid', field });
    t.throws(() => decide([created], { do: 'change', id: 3, [field]: 'a\0' }), { code: 'invalid', field });
  }
});

t.test('a deleted service is gone', async (t) => {
  const history: ServiceEvent[] = [created, { type: 'ServiceDeleted', data: { id: 3 } }];
  t.throws(() => decide(history, { do: 'change', id: 3, desc: 'x' }), { code: 'not_found' });
  t.throws(() => decide(history, { do: 'delete', id: 3 }), { code: 'not_found' });
});
