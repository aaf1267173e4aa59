import { startTestServers } from '@rigel/testing';
import { sql } from 'kysely';
import t from 'tap';
import { openHistory, rigel } from './testing/rigel.js';

const servers = await startTestServers();
t.teardown(() => servers.stop());
const env = { DATABASE_URL: servers.databaseUrl };

const retry = { retry_times: 0, ignore_error: false };
const step = (name: string, more: object = {}) => ({ name, param_values: {}, retry, ...more });

t.test('a database that has no schema yet cannot be checked', async (t) => {
  t.match(await rigel(env, 'check-catalog'), { status: 2, out: [], note: [/has no schema/] });
});

t.test('templates that are refused now, and what uses them', async (t) => {
  const [inventory, scheduler, catalog] = [
    await openHistory(t, servers, 'inventory'),
    await openHistory(t, servers, 'scheduler'),
    await openHistory(t, servers, 'catalog'),
  ];
  t.strictSame(await rigel(env, 'check-catalog'), {
    status: 0,
    out: ['0 templates, none is refused'],
    note: [],
  });

  let id = 0;
  /** A remote step of one action, as an earlier release may have saved it. */
  const remoteStep = async (name: string, args: string, params: object = {}) => {
    id++;
    await sql`INSERT INTO actions (id, name, "desc", params) VALUES (${id}, ${name}, '', ${JSON.stringify(params)})`.execute(
      catalog,
    );
    const template = JSON.stringify({ action: { module: 'shell', args } });
    await sql`INSERT INTO actimpls (id, action_id, type, template) VALUES (${id}, ${id}, 'ansible', ${template})`.execute(
      catalog,
    );
    await sql`INSERT INTO remote_steps (id, name, "desc", actions) VALUES (${id}, ${name}, '', ${[name]})`.execute(
      catalog,
    );
  };
  const template = async (id: number, name: string, steps: object[]) => {
    await sql`INSERT INTO templates (id, name, "desc", steps) VALUES (${id}, ${name}, '', ${JSON.stringify(steps)})`.execute(
      catalog,
    );
  };
  await remoteStep('greet', 'echo {{word}}', { word: 'string' });
  await remoteStep('evaluate', 'eval {{word}}');
  await remoteStep('count', 'sleep {{seconds}}', { seconds: 'integer' });
  await remoteStep('unset', 'true');
  await sql`DELETE FROM actimpls WHERE id = ${id}`.execute(catalog);
  await template(1, 'fine', [
    step('create_vm'),
    step('register', { param_values: { service_discovery_id: '' } }),
    step('greet'),
    step('count'),
    step('greet', { param_values: { word: { secret: 'db-password' } } }),
  ]);
  t.match(await rigel(env, 'check-catalog'), { status: 0, out: ['1 templates, none is refused'] });

  await template(2, 'runs its value', [step('greet'), step('evaluate')]);
  await template(3, 'counts words', [step('count', { param_values: { seconds: 'ten' } })]);
  await template(4, 'nothing to run', [step('unset')]);
  await template(5, 'log in', [
    step('greet', { allowed_secrets: { word: ['allowed'] }, param_values: { word: { secret: 'stored' } } }),
  ]);
  await sql`INSERT INTO clusters VALUES (1, 'c', '', '')`.execute(inventory);
  await sql`INSERT INTO services VALUES (1, 's', '', '', '', 1)`.execute(inventory);
  await sql`INSERT INTO pools VALUES
    (7, 'web', '', 1, 1, 1, '{"expand": 2, "shrink": 2, "deploy": 3}'),
    (8, 'other', '', 1, 1, 1, '{"deploy": 1}')`.execute(inventory);
  await sql`INSERT INTO schedules VALUES
    (31, 7, 'expand', 'crontab', '', '[]', '[]', 1, 0, 0), (32, 7, 'upload', 'crontab', '', '[]', '[]', 1, 0, 0),
    (33, 8, 'expand', 'crontab', '', '[]', '[]', 1, 0, 0)`.execute(scheduler);
  /** A task that a release before made of a template, with this value for its parameter. */
  const task = async (
    id: number,
    templateId: number,
    operator: string,
    word: unknown,
    created: object = {},
  ) => {
    const options = JSON.stringify([step('greet', { param_values: { word } })]);
    await sql`INSERT INTO tasks
      (id, name, template_id, template_name, pool_id, pool_name, options, batch_size, operator, flow_type, state, end_reason,
        stat, active, version, created_at, updated_at)
      VALUES (${id}, 't', ${templateId}, 't', 7, 'web', ${options}, 1, ${operator}, 'manual', 2, '', '{0,0,0,0,0}', false, 1, 0, 0)`.execute(
      scheduler,
    );
    await sql`INSERT INTO events VALUES
      (${id}, ${`task-${id}`}, 1, 'TaskCreated', 1, ${JSON.stringify(created)}, '{}', 0)`.execute(scheduler);
  };
  await task(1, 5, 'ci', { secret: 'stored' });
  await task(2, 5, 'ci', { secret: 'ssh-key' });
  await task(3, 5, 'ann', { secret: 'allowed' });
  await task(4, 5, 'ben', { secret: 'old-habit' });
  await task(5, 5, 'ben', 'by now a text');
  await task(6, 5, 'cho', { secret: 'by right' }, { secretsBy: 'admin' });
  await task(7, 99, 'ci', { secret: 'of a template that is gone' });

  const { status, out, note } = await rigel(env, 'check-catalog');
  t.equal(status, 1);
  t.strictSame(note, []);
  t.match(out, [
    'template runs its value (id 2), used by pools web to expand, shrink (id 7) and by scheduled tasks 31 (expand of pool 7):',
    /^ {2}step evaluate, action evaluate: .*eval/,
    'template counts words (id 3), used by pools web to deploy (id 7) and by scheduled tasks 32 (upload of pool 7):',
    '  step count, action count: parameter seconds must be an integer, not ten',
    'template nothing to run (id 4), used by no pool:',
    '  step unset: action unset has no implementation of type ansible',
    'template log in (id 5), used by no pool:',
    '  step greet, parameter word: calls name the secret ssh-key (last ci, task 2), which operators may not: an admin adds it to allowed_secrets of step greet',
    '5 templates, 4 refused',
  ]);
  t.equal(out.length, 9);

  const json = await rigel(env, 'check-catalog', '--json');
  t.equal(json.status, 1);
  t.match(
    json.out.map((line) => JSON.parse(line)),
    [
      {
        template: { id: 2, name: 'runs its value' },
        reasons: [/eval/],
        secrets: [],
        pools: [{ id: 7, name: 'web', kinds: ['expand', 'shrink'] }],
        schedules: [{ id: 31, pool: 7, type: 'expand' }],
      },
      { template: { id: 3 }, schedules: [{ id: 32 }] },
      { template: { id: 4 }, pools: [], schedules: [] },
      {
        template: { id: 5 },
        reasons: [],
        secrets: [{ step: 'greet', param: 'word', secret: 'ssh-key', task: 2, operator: 'ci' }],
      },
      { templates: 5, refused: 4 },
    ],
  );
  t.notOk((await rigel(env, 'check-catalog', '--service', 'catalog')).status === 0);
});

t.test('a database that does not answer cannot be checked', async (t) => {
  await servers.stopPostgres();
  t.match(await rigel(env, 'check-catalog'), { status: 2, out: [], note: [/cannot be used/] });
});
