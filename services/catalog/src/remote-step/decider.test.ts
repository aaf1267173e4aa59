import t from 'tap';
import { type RemoteStepCommand, type RemoteStepEvent, remoteStepDecider } from './decider.js';

const decide = (events: RemoteStepEvent[], command: RemoteStepCommand) =>
  remoteStepDecider.decide(command, events.reduce(remoteStepDecider.evolve, remoteStepDecider.initial));

const step = { id: 3, name: 'deploy', desc: '', actions: ['stop', 'start', 'stop'] };
const created: RemoteStepEvent = { type: 'RemoteStepCreated', data: step };

t.test('a remote step is created, changed and deleted; an action may stand in it twice', async (t) => {
  t.strictSame(decide([], { do: 'create', ...step, name: 'deploy ', actions: ['stop', ' start', 'stop'] }), [
    created,
  ]);
  const changed: RemoteStepEvent = { type: 'RemoteStepChanged', data: { id: 3, actions: ['start', 'stop'] } };
  t.strictSame(decide([created], { do: 'change', ...step, actions: ['start', 'stop'] }), [changed]);
  t.strictSame(
    decide([created, changed], { do: 'change', id: 3, name: 'deploy', actions: ['start ', 'stop'] }),
    [],
  );
  t.strictSame(decide([created], { do: 'delete', id: 3 }), [{ type: 'RemoteStepDeleted', data: { id: 3 } }]);
});

t.test('names of built-in steps are taken', async (t) => {
  for (const name of ['create_vm', 'return_vm', ' register ', 'unregister']) {
    const refused = { code: 'conflict', field: 'name', message: `${name.trim()} is a built-in step` };
    t.throws(() => decide([], { do: 'create', ...step, name }), refused);
    t.throws(() => decide([created], { do: 'change', id: 3, name }), refused);
  }
});

t.test('what no action can be called is refused', async (t) => {
  for (const actions of [[''], ['a', ' '], ['x'.repeat(51)], ['a\0']]) {
    t.throws(() => decide([], { do: 'create', ...step, actions }), { code: 'invalid', field: 'actions' });
    t.throws(() => decide([created], { do: 'change', id: 3, actions }), {
      code: 'invalid',
      field: 'actions',
    });
  }
});

t.test('a deleted remote step is gone', async (t) => {
  const history: RemoteStepEvent[] = [created, { type: 'RemoteStepDeleted', data: { id: 3 } }];
  t.throws(() => decide(history, { do: 'change', id: 3, desc: '' }), { code: 'not_found' });
  t.throws(() => decide(history, { do: 'delete', id: 3 }), { code: 'not_found' });
});
