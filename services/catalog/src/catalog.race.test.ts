import { catalog, type ServiceError } from '@rigel/contracts';
import { startTestServers } from '@rigel/testing';
import t from 'tap';
import { assertReplayable, startCatalogForTest } from './testing/catalog.js';

/*
 * Ten clients at once, and two replicas of the service. What the tests look for is what a client may see: no other
 * error than the documented ones.
 */

const servers = await startTestServers();
t.teardown(() => servers.stop());
const { call, startReplica, stop } = await startCatalogForTest(servers);
t.teardown(stop);
await startReplica();

const CLIENTS = 10;
const all = { page: 1, page_size: 10_000 };
const template = { action: { module: 'shell', args: 'true' } };
const step = (name: string) => ({ name, param_values: {}, retry: { retry_times: 0, ignore_error: false } });

/** Runs the attempts at once. @returns what each came to, in their order: `done` or the code of its refusal. */
function outcomes(attempts: (() => Promise<unknown>)[]): Promise<string[]> {
  return Promise.all(
    attempts.map((attempt) =>
      attempt().then(
        () => 'done',
        (error: ServiceError) => error.code ?? String(error),
      ),
    ),
  );
}
const tenTimes = async (attempt: (n: number) => Promise<unknown>) =>
  (await outcomes(Array.from({ length: CLIENTS }, (_, n) => () => attempt(n)))).sort();
const oneWins = (refusal: string) => [...Array(CLIENTS - 1).fill(refusal), 'done'].sort();

const action = (name: string) => call(catalog.createAction, { name, desc: '', params: {} });
const remoteStep = (name: string, actions: string[]) =>
  call(catalog.createRemoteStep, { name, desc: '', actions });
const taskTemplate = (name: string, steps: string[]) =>
  call(catalog.createTemplate, { name, desc: '', steps: steps.map(step) });

t.test('of ten that create the same thing one wins', async (t) => {
  t.strictSame(await tenTimes(() => action('same')), oneWins('conflict'));
  t.strictSame(await tenTimes(() => remoteStep('same', [])), oneWins('conflict'));
  t.strictSame(await tenTimes(() => taskTemplate('same', ['same'])), oneWins('conflict'));
  const [{ id } = { id: 0 }] = (await call(catalog.listActions, all)).rows;
  t.strictSame(
    await tenTimes(() => call(catalog.createActionImpl, { action_id: id, type: 'ansible', template })),
    oneWins('conflict'),
  );
  t.strictSame(await tenTimes(() => call(catalog.deleteAction, { id })), oneWins('not_found'));
});

t.test('ten changes of one thing all count', async (t) => {
  const { id } = await taskTemplate('busy', []);
  const desc = (n: number) => call(catalog.updateTemplate, { id, desc: `by ${n}` });
  t.strictSame(await tenTimes(desc), Array(CLIENTS).fill('done'));
});

t.test(
  'an action is deleted or renamed while steps and implementations are made of it: no reference dangles',
  async (t) => {
    for (let round = 0; round < 8; round++) {
      const name = `action${round}`;
      const { id } = await action(name);
      const [deleted, renamed, ...made] = await outcomes([
        () => call(catalog.deleteAction, { id }),
        () => call(catalog.updateAction, { id, name: `${name}-renamed` }),
        ...[0, 1, 2].map((n) => () => remoteStep(`step${round}-${n}`, [name])),
        ...[0, 1].map(
          (n) => () => call(catalog.createActionImpl, { action_id: id, type: `type${n}`, template }),
        ),
      ]);
      t.match(deleted, /^(done|in_use)$/);
      t.match(renamed, /^(done|in_use|not_found)$/);
      t.strictSame(made.slice(0, 3), ['done', 'done', 'done'], 'a step may name what does not exist');
      for (const outcome of made.slice(3)) t.match(outcome, /^(done|not_found)$/);
      // Refused as in use means that the action is there, under its name.
      if (deleted === 'in_use') t.match(await call(catalog.getAction, { id }), { name: RegExp(name) });
      if (deleted === 'in_use' && renamed === 'in_use')
        t.match(await call(catalog.getAction, { id }), { name });
    }
    const actions = new Set((await call(catalog.listActions, all)).rows.map(({ id }) => id));
    for (const impl of (await call(catalog.listActionImpls, all)).rows) t.ok(actions.has(impl.action_id));
  },
);

t.test(
  'a remote step is deleted or renamed while templates are made of it: no reference dangles',
  async (t) => {
    for (let round = 0; round < 8; round++) {
      const name = `remote${round}`;
      const { id } = await remoteStep(name, []);
      const [deleted, renamed, ...made] = await outcomes([
        () => call(catalog.deleteRemoteStep, { id }),
        () => call(catalog.updateRemoteStep, { id, name: `${name}-renamed` }),
        ...[0, 1, 2, 3].map((n) => () => taskTemplate(`template${round}-${n}`, ['register', name])),
      ]);
      t.match(deleted, /^(done|in_use)$/);
      t.match(renamed, /^(done|in_use|not_found)$/);
      for (const outcome of made) t.match(outcome, /^(done|not_found)$/);
    }
    const known = new Set((await call(catalog.listUsableSteps, all)).rows.map(({ name }) => name));
    for (const { steps } of (await call(catalog.listTemplates, all)).rows) {
      t.ok(steps.every(({ name }) => known.has(name)));
    }
  },
);

t.test('steps and templates are added while a client pages through them', async (t) => {
  const added = Promise.all(Array.from({ length: 60 }, (_, n) => remoteStep(`paged${n}`, [])));
  let adding = true;
  void added.finally(() => {
    adding = false;
  });
  while (adding) {
    const seen: number[] = [];
    for (let page = 1; ; page++) {
      const { rows } = await call(catalog.listUsableSteps, { page, page_size: 7 });
      seen.push(...rows.map(({ id }) => id));
      if (rows.length < 7) break;
    }
    // Oldest first: what is added comes behind all that was seen, so nothing comes twice and nothing is left out.
    t.strictSame(
      seen,
      [...new Set(seen)].sort((a, b) => a - b),
    );
    const { rows } = await call(catalog.listUsableSteps, all);
    t.strictSame(
      seen,
      rows.slice(0, seen.length).map(({ id }) => id),
    );
  }
  await added;
});

t.test('the read tables can be made again from the events', (t) => assertReplayable(t, servers));
