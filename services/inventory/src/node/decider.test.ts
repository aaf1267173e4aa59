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

t.test('labels come with the node, and change', async (t) => {
  const enter = { do: 'enter' as const, id: 9, pool_id: 5, ip: '10.0.0.1' };
  const withZone = { ...added, data: { ...added.data, labels: { zone: 'a' } } } as NodeEvent;
  given()
    .when({ ...enter, labels: { zone: 'a' } })
    .gives(t, [withZone]);
  given()
    .when({ ...enter, labels: {} })
    .gives(t, [added]);

  const change = { do: 'label' as const, id: 9, set: { role: 'web', zone: 'b' }, remove: ['canary'] };
  const labelled: NodeEvent = { type: 'NodeLabelled', data: { id: 9, labels: { role: 'web', zone: 'b' } } };
  given(withZone).when(change).gives(t, [labelled]);
  given(withZone, labelled).when(change).gives(t, []);
  given(withZone, labelled)
    .when({ do: 'label', id: 9, set: {}, remove: ['role', 'zone'] })
    .gives(t, [{ type: 'NodeLabelled', data: { id: 9, labels: {} } }]);
  given(added)
    .when({ do: 'label', id: 9, set: {}, remove: ['zone'] })
    .gives(t, []);
  given(withZone, removed).when(change).refused(t, { code: 'not_found', field: 'nodes' });

  const many = Object.fromEntries(Array.from({ length: 64 }, (_, n) => [`k${n}`, '']));
  given(withZone)
    .when({ do: 'label', id: 9, set: many, remove: [] })
    .refused(t, { code: 'invalid', field: 'set' });
  given(withZone)
    .when({ do: 'label', id: 9, set: many, remove: ['zone'] })
    .gives(t, [
      { type: 'NodeLabelled', data: { id: 9, labels: Object.fromEntries(Object.entries(many).sort()) } },
    ]);
});

t.test('a machine that is assigned leaves the labels as they are', async (t) => {
  const withZone = { ...added, data: { ...added.data, labels: { zone: 'a' } } } as NodeEvent;
  const assigned: NodeEvent = { type: 'NodeMachineAssigned', data: { id: 9, vm_id: 'i-1', ip: '10.0.0.2' } };
  given(withZone, assigned)
    .when({ do: 'label', id: 9, set: { zone: 'a' }, remove: [] })
    .gives(t, []);
});
