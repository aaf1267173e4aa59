import fc from 'fast-check';
import t from 'tap';
import { type CatalogEntries, resolveSteps } from './resolve.js';

const retry = { retry_times: 1, ignore_error: false };
const step = (name: string, param_values: Record<string, unknown> = {}) => ({ name, param_values, retry });
const shell = (args: string) => ({ action: { module: 'shell', args } });

const entries: CatalogEntries = {
  remoteSteps: new Map([
    ['deploy', { actions: ['stop', 'start'] }],
    ['idle', { actions: ['nothing'] }],
    ['empty', { actions: [] }],
    ['ghost', { actions: ['stop', 'missing'] }],
    ['bare', { actions: ['unimplemented'] }],
    ['foreign', { actions: ['copies'] }],
  ]),
  actions: new Map<string, CatalogEntries['actions'] extends ReadonlyMap<string, infer A> ? A : never>([
    [
      'stop',
      {
        params: {},
        impls: [
          { type: 'noop', template: {} },
          { type: 'ansible', template: shell('stop') },
        ],
      },
    ],
    [
      'start',
      {
        params: { tag: 'string' as const },
        impls: [
          { type: 'ansible', template: { action: { module: 'longscript', content: 'run {{tag}}\n' } } },
        ],
      },
    ],
    ['nothing', { params: {}, impls: [{ type: 'noop', template: { action: { module: 'whatever' } } }] }],
    ['unimplemented', { params: {}, impls: [{ type: 'chef', template: shell('x') }] }],
    ['copies', { params: {}, impls: [{ type: 'ansible', template: { action: { module: 'copy' } } }] }],
  ]),
};

t.test('steps carry all it takes to run them', async (t) => {
  t.strictSame(
    resolveSteps(
      [step('create_vm', { vm_type_id: 1 }), step('deploy', { tag: '1' }), step('idle'), step('unregister')],
      entries,
    ),
    [
      { name: 'create_vm', kind: 'vm', param_values: { vm_type_id: 1 }, retry, actions: [] },
      {
        name: 'deploy',
        kind: 'remote',
        param_values: { tag: '1' },
        retry,
        actions: [
          { name: 'stop', params: {}, module: 'shell', text: 'stop' },
          { name: 'start', params: { tag: 'string' }, module: 'longscript', text: 'run {{tag}}\n' },
        ],
      },
      {
        name: 'idle',
        kind: 'remote',
        param_values: {},
        retry,
        actions: [{ name: 'nothing', params: {}, module: 'noop', text: '' }],
      },
      { name: 'unregister', kind: 'sd', param_values: {}, retry, actions: [] },
    ],
  );
});

t.test('what cannot be run is refused, naming step and action', async (t) => {
  const refused: [string[], string][] = [
    [[], 'the template has no step'],
    [['deploy', 'gone'], 'step gone does not exist'],
    [['empty'], 'step empty has no action'],
    [['ghost'], 'step ghost: action missing does not exist'],
    [['bare'], 'step bare: action unimplemented has no implementation of type ansible'],
    [['foreign'], 'step foreign: action copies has an implementation with the unknown module copy'],
  ];
  for (const [names, message] of refused) {
    t.throws(
      () =>
        resolveSteps(
          names.map((name) => step(name)),
          entries,
        ),
      { code: 'invalid', message },
    );
  }
});

t.test('property: good steps in any order and number come out in that order', async () => {
  const names = fc.array(fc.constantFrom('create_vm', 'deploy', 'idle', 'register'), {
    minLength: 1,
    maxLength: 20,
  });
  fc.assert(
    fc.property(names, (chosen) => {
      const resolved = resolveSteps(
        chosen.map((name) => step(name)),
        entries,
      );
      return resolved.every(
        ({ name, kind, actions }, n) => name === chosen[n] && (kind === 'remote') === actions.length > 0,
      );
    }),
    { numRuns: 100 },
  );
});
