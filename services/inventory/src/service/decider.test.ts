import { storyOf } from '@rigel/testing';
import t from 'tap';
import { type ServiceEvent, serviceDecider } from './decider.js';

const given = storyOf(serviceDecider);

const api = { id: 3, name: 'api', desc: '', service_type: 'Java', docker_image: 'r/api:1', cluster_id: 1 };
const created: ServiceEvent = { type: 'ServiceCreated', data: api };

t.test('a service is created, moved to another cluster and deleted', async (t) => {
  given()
    .when({ do: 'create', ...api, name: ' api ' })
    .gives(t, [created]);
  const moved: ServiceEvent = { type: 'ServiceChanged', data: { id: 3, cluster_id: 2 } };
  given(created)
    .when({ do: 'change', ...api, cluster_id: 2 })
    .gives(t, [moved]);
  given(created, moved).when({ do: 'change', id: 3, cluster_id: 2 }).gives(t, []);
  given(created, moved)
    .when({ do: 'delete', id: 3 })
    .gives(t, [{ type: 'ServiceDeleted', data: { id: 3 } }]);
});

t.test('each text is checked under its own name', async (t) => {
  for (const field of ['name', 'desc', 'service_type', 'docker_image']) {
    given()
      .when({ do: 'create', ...api, [field]: 'a\0' })
      .refused(t, { code: 'invalid', field });
    given(created)
      .when({ do: 'change', id: 3, [field]: 'a\0' })
      .refused(t, { code: 'invalid', field });
  }
});

t.test('a deleted service is gone', async (t) => {
  const history: ServiceEvent[] = [created, { type: 'ServiceDeleted', data: { id: 3 } }];
  given(...history)
    .when({ do: 'change', id: 3, desc: 'x' })
    .refused(t, { code: 'not_found' });
  given(...history)
    .when({ do: 'delete', id: 3 })
    .refused(t, { code: 'not_found' });
});
