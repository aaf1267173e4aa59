import { catalog } from '@rigel/contracts';
import { startTestServers, statementsOf, walksOf } from '@rigel/testing';
import pg from 'pg';
import t from 'tap';
import { startCatalogForTest } from './testing/catalog.js';

/* A catalog of thousands of things with a long history. What is looked at are the plans of the statements really sent. */

const servers = await startTestServers();
t.teardown(() => servers.stop());
const { call, stop } = await startCatalogForTest(servers);
t.teardown(stop);
const database = new pg.Client({ connectionString: servers.databaseUrl });
await database.connect();
t.teardown(() => database.end());

const MADE = 5_000;
await database.query(`
  SET search_path = catalog;
  INSERT INTO actions SELECT n, 'action ' || n, '', '{}' FROM generate_series(1, ${MADE}) n;
  INSERT INTO actimpls SELECT n, n, 'ansible', '{"action": {"module": "shell", "args": "true"}}' FROM generate_series(1, ${MADE}) n;
  INSERT INTO remote_steps SELECT n, 'step ' || n, '', ARRAY['action ' || n] FROM generate_series(1, ${MADE}) n;
  INSERT INTO templates SELECT n, 'template ' || n, '',
      jsonb_build_array(jsonb_build_object('name', 'step ' || n, 'param_values', '{}'::jsonb, 'retry', '{"retry_times": 0, "ignore_error": false}'::jsonb))
    FROM generate_series(1, ${MADE}) n;
  INSERT INTO template_steps SELECT n, 'step ' || n FROM generate_series(1, ${MADE}) n;
  INSERT INTO events SELECT row_number() OVER (), stream, version, type, 1, data, '{"actor": "ann", "correlationId": "c"}', 0
    FROM generate_series(1, ${MADE}) n, generate_series(1, 4) version, LATERAL (VALUES
      ('action-' || n, 'Action', json_build_object('id', n, 'desc', version)),
      ('actimpl-' || n, 'ActionImpl', json_build_object('id', n, 'action_id', n, 'type', version)),
      ('remote_step-' || n, 'RemoteStep', json_build_object('id', n, 'desc', version)),
      ('template-' || n, 'Template', json_build_object('id', n, 'desc', version))
    ) AS made (stream, kind, data), LATERAL (SELECT kind || CASE version WHEN 1 THEN 'Created' ELSE 'Changed' END AS type) AS named;
  UPDATE event_head SET position = (SELECT max(position) FROM events);
`);
// Not in one go with the rest: VACUUM wants no transaction around it.
await database.query('VACUUM ANALYZE');

const BIG = ['events', 'actions', 'actimpls', 'remote_steps', 'templates', 'template_steps'];

const first = { page: 1, page_size: 10 };

const reads: Record<string, () => Promise<unknown>> = {
  'the history of an action': () => call(catalog.history, { kind: 'action', id: 7, limit: 100 }),
  'the history of a template': () => call(catalog.history, { kind: 'template', id: 7, limit: 100 }),
  'uses of an action': () => call(catalog.uses, { kind: 'action', id: 7 }),
  'uses of a remote step': () => call(catalog.uses, { kind: 'remote_step', id: 7 }),
  actions: () => call(catalog.listActions, first),
  'templates, last page': () => call(catalog.listTemplates, { page: 500, page_size: 10 }),
  'remote steps': () => call(catalog.listRemoteSteps, first),
  'implementations of actions': () => call(catalog.listActionImpls, first),
  'a remote step with its stamp': () => call(catalog.getRemoteStep, { id: 7 }),
  'a template with all that it runs': () => call(catalog.resolveTemplate, { id: 7 }),
  'an action with its stamp': () => call(catalog.getAction, { id: 7 }),
  'a template with its stamp': () => call(catalog.getTemplate, { id: 7 }),
};

for (const [what, read] of Object.entries(reads)) {
  t.test(what, async (t) => {
    const statements = await statementsOf(read);
    const selects = statements.filter(({ text }) => /^\s*(select|with)/i.test(text));
    t.ok(selects.length > 0, 'statements were sent');
    for (const statement of selects) {
      t.strictSame(await walksOf(database, statement, BIG), [], statement.text);
    }
  });
}
