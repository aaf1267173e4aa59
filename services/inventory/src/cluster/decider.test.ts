import { ServiceError } from '@rigel/contracts';
import { storyOf } from '@rigel/testing';
import fc from 'fast-check';
import t from 'tap';
import { type ClusterCommand, type ClusterEvent, clusterDecider } from './decider.js';

const given = storyOf(clusterDecider);

const web = { id: 1, name: 'web', desc: 'the web', biz: '1' };
const created: ClusterEvent = { type: 'ClusterCreated', data: web };
const deleted: ClusterEvent = { type: 'ClusterDeleted', data: { id: 1 } };

t.test('a cluster is created with its name trimmed', async (t) => {
  given()
    .when({ do: 'create', ...web, name: '  web\t' })
    .gives(t, [created]);
});

t.test('a change records only what differs', async (t) => {
  given(created)
    .when({ do: 'change', id: 1, name: 'web', desc: 'new' })
    .gives(t, [{ type: 'ClusterChanged', data: { id: 1, desc: 'new' } }]);
  given(created).when({ do: 'change', id: 1, name: ' web ', biz: '1' }).gives(t, []);
});

t.test('what is not there can be neither changed nor deleted', async (t) => {
  for (const history of [[], [created, deleted]]) {
    given(...history)
      .when({ do: 'change', id: 1, desc: 'x' })
      .refused(t, { code: 'not_found' });
    given(...history)
      .when({ do: 'delete', id: 1 })
      .refused(t, {
        code: 'not_found',
        message: 'cluster 1 does not exist',
      });
  }
});

t.test('text that breaks the rules is refused, naming the field', async (t) => {
  const wrong: [Partial<typeof web>, string, string][] = [
    [{ name: '' }, 'name', 'name must not be empty'],
    [{ name: ' \n ' }, 'name', 'name must not be empty'],
    [
      { name: 'é'.repeat(51) },
      'name',
      `name must have at most 50 characters, not 51 (got ${'é'.repeat(51)})`,
    ],
    [{ name: 'a\0b' }, 'name', 'name contains a NUL or a broken character (got a b)'],
    [
      { desc: 'x'.repeat(256) },
      'desc',
      `desc must have at most 255 characters, not 256 (got ${'x'.repeat(77)}...)`,
    ],
    [{ desc: '\ud800' }, 'desc', 'desc contains a NUL or a broken character (got ?)'],
    [{ biz: '\0' }, 'biz', 'biz contains a NUL or a broken character (got  )'],
  ];
  for (const [fields, field, message] of wrong) {
    given()
      .when({ do: 'create', ...web, ...fields })
      .refused(t, { code: 'invalid', field, message });
    given(created)
      .when({ do: 'change', id: 1, ...fields })
      .refused(t, { code: 'invalid', field, message });
  }
});

t.test('characters count as people see them: 50 emoji are a name', async (t) => {
  t.equal(
    given()
      .when({ do: 'create', ...web, name: '🚀'.repeat(50) })
      .events().length,
    1,
  );
});

t.test('an id is never used twice', async (t) => {
  given(created)
    .when({ do: 'create', ...web })
    .refused(t, /exists already/);
});

t.test('property: whatever is asked, the state is what was last accepted', async () => {
  const text = fc.oneof(fc.string({ maxLength: 60 }), fc.constantFrom('', ' ', 'a\0', 'x'.repeat(256)));
  const command: fc.Arbitrary<ClusterCommand> = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record(
        { do: fc.constant('change' as const), id: fc.constant(1), name: text, desc: text, biz: text },
        { requiredKeys: ['do', 'id'] },
      ),
    },
    { weight: 1, arbitrary: fc.constant({ do: 'delete' as const, id: 1 }) },
  );
  fc.assert(
    fc.property(fc.array(command, { maxLength: 12 }), (commands) => {
      let state = clusterDecider.evolve(undefined, created);
      let model: typeof web | undefined = web;
      for (const command of commands) {
        try {
          for (const event of clusterDecider.decide(command, state)) {
            if (event.type === 'ClusterChanged' && model) {
              const { id: _, ...changes } = event.data;
              const same = Object.entries(changes).some(([k, v]) => model?.[k as keyof typeof web] === v);
              if (same) throw new Error('recorded a field that did not change');
            }
            state = clusterDecider.evolve(state, event);
          }
          if (command.do === 'delete') model = undefined;
          else if (command.do === 'change' && model) {
            model = {
              id: 1,
              name: command.name?.trim() ?? model.name,
              desc: command.desc ?? model.desc,
              biz: command.biz ?? model.biz,
            };
          }
        } catch (error) {
          if (!(error instanceof ServiceError)) throw error;
        }
        if (JSON.stringify(state && { ...state }) !== JSON.stringify(model)) throw new Error('state differs');
      }
    }),
    { numRuns: 300 },
  );
});
