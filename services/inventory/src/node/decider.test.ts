import t from 'tap';
import { type NodeCommand, type NodeEvent, nodeDecider } from './decider.js';

const decide = (events: NodeEvent[], command: NodeCommand) =>
  nodeDecider.decide(command, events.reduce(nodeDecider.evolve, nodeDecider.initial));

const added: NodeEvent = {
  type: 'NodeAdded',
  data: { id: 9, pool_id: 5, ip: '10.0.0.1', vm_id: '', status: 1, node_type: 'manual' },
};
const removed: NodeEvent = { type: 'NodeRemoved', data: { id: 9, pool_id: 5, ip: '10.0.0.1' } };

t.test('a node entered by hand is ready at once', async (t) => {
  t.strictSame(decide([], { do: 'enter', id: 9, pool_id: 5, ip: '10.0.0.1' }), [added]);
});

t.test('a node is removed once, and only from its own pool', async (t) => {
  t.strictSame(decide([added], { do: 'remove', id: 9, pool_id: 5 }), [removed]);
  const gone = { code: 'not_found', field: 'nodes' };
  t.throws(() => decide([added], { do: 'remove', id: 9, pool_id: 6 }), gone);
  t.throws(() => decide([added, removed], { do: 'remove', id: 9, pool_id: 5 }), gone);
  t.throws(() => decide([], { do: 'remove', id: 9, pool_id: 5 }), gone);
});

t.test('an id is never used twice', async (t) => {
  t.throws(() => decide([added], { do: 'enter', id: 9, pool_id: 5, ip: 'b' }), /exists already/);
});
