import { storyOf } from '@rigel/testing';
import t from 'tap';
import { type NodeEvent, nodeDecider } from './decider.js';

const given = storyOf(nodeDecider);

const added: NodeEvent = {
  type: 'NodeAdded',
  data: { id: 9, pool_id: 5, ip: '10.0.0.1', vm_id: '', status: 1, node_type: 'manual' },
};
const removed: NodeEvent = { type: 'NodeRemoved', data: { id: 9, pool_id: 5, ip: '10.0.0.1' } };

t.test('a node entered by hand is ready at once', async (t) => {
  given().when({ do: 'enter', id: 9, pool_id: 5, ip: '10.0.0.1' }).gives(t, [added]);
});

t.test('a node is removed once, and only from its own pool', async (t) => {
  given(added).when({ do: 'remove', id: 9, pool_id: 5 }).gives(t, [removed]);
  const gone = { code: 'not_found', field: 'nodes' };
  given(added).when({ do: 'remove', id: 9, pool_id: 6 }).refused(t, gone);
  given(added, removed).when({ do: 'remove', id: 9, pool_id: 5 }).refused(t, gone);
  given().when({ do: 'remove', id: 9, pool_id: 5 }).refused(t, gone);
});

t.test('an id is never used twice', async (t) => {
  given(added)
    .when({ do: 'enter', id: 9, pool_id: 5, ip: 'b' })
    .refused(t, /exists already/);
});
