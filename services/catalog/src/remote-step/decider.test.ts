import { storyOf } from '@rigel/testing';
import t from 'tap';
import { type RemoteStepEvent, remoteStepDecider } from './decider.js';

const given = storyOf(remoteStepDecider);

const step = { id: 3, name: 'deploy', desc: '', actions: ['stop', 'start', 'stop'] };
const created: RemoteStepEvent = { type: 'RemoteStepCreated', data: step };

t.test('a remote step is created, changed and deleted; an action may stand in it twice', async (t) => {
  given()
    .when({ do: 'create', ...step, name: 'deploy ', actions: ['stop', ' start', 'stop'] })
    .gives(t, [created]);
  const changed: RemoteStepEvent = { type: 'RemoteStepChanged', data: { id: 3, actions: ['start', 'stop'] } };
  given(created)
    .when({ do: 'change', ...step, actions: ['start', 'stop'] })
    .gives(t, [changed]);
  given(created, changed)
    .when({ do: 'change', id: 3, name: 'deploy', actions: ['start ', 'stop'] })
    .gives(t, []);
  given(created)
    .when({ do: 'delete', id: 3 })
    .gives(t, [{ type: 'RemoteStepDeleted', data: { id: 3 } }]);
});

t.test('names of built-in steps are taken', async (t) => {
  for (const name of ['create_vm', 'return_vm', ' register ', 'unregister']) {
    const refused = { code: 'conflict', field: 'name', message: `${name.trim()} is a built-in step` };
    given()
      .when({ do: 'create', ...step, name })
      .refused(t, refused);
    given(created).when({ do: 'change', id: 3, name }).refused(t, refused);
  }
});

t.test('what no action can be called is refused', async (t) => {
  for (const actions of [[''], ['a', ' '], ['x'.repeat(51)], ['a\0']]) {
    given()
      .when({ do: 'create', ...step, actions })
      .refused(t, { code: 'invalid', field: 'actions' });
    given(created).when({ do: 'change', id: 3, actions }).refused(t, { code: 'invalid', field: 'actions' });
  }
});

t.test('a deleted remote step is gone', async (t) => {
  const history: RemoteStepEvent[] = [created, { type: 'RemoteStepDeleted', data: { id: 3 } }];
  given(...history)
    .when({ do: 'change', id: 3, desc: '' })
    .refused(t, { code: 'not_found' });
  given(...history)
    .when({ do: 'delete', id: 3 })
    .refused(t, { code: 'not_found' });
});
