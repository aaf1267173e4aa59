import { catalog, inventory, type ResolvedStep, ServiceError, tasks } from '@rigel/contracts';
import { openExisting } from '@rigel/runtime/database';
import { silentLogger, startTestServers } from '@rigel/testing';
import { sql } from 'kysely';
import t from 'tap';
import { migrations } from '../migrations/index.js';
import { Counterpart, startReplica } from '../testing/scheduler.js';
import { checkCatalogAtStart } from './at-start.js';

const servers = await startTestServers();
t.teardown(() => servers.stop());

const remote = (name: string, text: string): ResolvedStep => ({
  name,
  kind: 'remote',
  param_values: {},
  retry: { retry_times: 0, ignore_error: false },
  actions: [{ name, params: {}, module: 'shell', text }],
});
const templates = new Map<number, { name: string; steps: ResolvedStep[] }>([
  [1, { name: 'fine', steps: [remote('greet', 'echo {{word}}')] }],
  [2, { name: 'runs its value', steps: [remote('evaluate', 'eval {{word}}')] }],
  [3, { name: 'log in', steps: [remote('login', 'login {{password}}')] }],
  [4, { name: 'nothing to run', steps: [] }],
]);

t.test('a scheduler starts without the catalog, and tells of refused templates when it can', async (t) => {
  const scheduler = await startReplica(servers);
  t.teardown(() => scheduler.stop());
  const counterpart = new Counterpart(await servers.startBus('counterpart'));
  await counterpart.patiently(tasks.list, { page: 1, page_size: 1 });

  const neighbours = await servers.startBus('neighbours');
  neighbours.serve(catalog.resolveTemplate, async ({ id }) => {
    const template = templates.get(id);
    if (!template) throw new ServiceError('not_found', `template ${id} does not exist`);
    if (template.steps.length === 0) throw new ServiceError('invalid', 'the template has no step', 'steps');
    return { id, ...template };
  });
  neighbours.serve(inventory.findTargets, async ({ ips }) => ({
    targets: ips.map((ip) => ({ node_id: 1, ip, vm_id: '', pool_id: 7, pool_name: 'web' })),
    unknown: [],
  }));
  const { ids } = await counterpart.call(tasks.create, {
    template_id: 3,
    task_name: 'x',
    timeout: 0,
    auto: false,
    max_ratio: 100,
    max_num: 0,
    opr_user: 'ci',
    nodes: ['10.0.0.1'],
    params: { password: { secret: 'db-password' } },
    any_secret: true,
  });
  const db = await openExisting({
    url: servers.databaseUrl,
    schema: 'scheduler',
    migrations,
    log: silentLogger,
  });
  t.teardown(() => db.destroy());

  const lines: string[] = [];
  let done = false;
  const tell = (_: object, line: string) => void lines.push(line);
  const log = Object.assign(Object.create(silentLogger), { info: tell, warn: tell });
  const check = async (signal = new AbortController().signal) => {
    lines.length = 0;
    await checkCatalogAtStart({ bus: counterpart.bus, db, log, signal });
    return [...lines];
  };

  const ended = new AbortController();
  const waiting = check(ended.signal).then(() => {
    done = true;
  });
  // The catalog does not answer this yet: nobody listens.
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.equal(done, false);
  ended.abort();
  await waiting;
  t.strictSame(lines, [], 'it ends with its process, whatever it waits for');

  neighbours.serve(catalog.listTemplates, async ({ page }) => ({
    rows: page > 1 ? [] : [...templates].map(([id, { name }]) => ({ id, name, desc: '', steps: [] })),
    total: templates.size,
  }));
  neighbours.serve(inventory.poolsNaming, async ({ template_id }) =>
    template_id === 2
      ? { pools: [{ id: 7, name: 'web', kinds: ['deploy'] }], total: 1 }
      : { pools: [], total: 0 },
  );
  await sql`INSERT INTO schedules VALUES (31, 7, 'upload', 'crontab', '', '[]', '[]', 1, 0, 0)`.execute(db);
  t.match(
    await check(),
    [
      /^tasks of template runs its value \(id 2\) are refused now: step evaluate, action evaluate: .*; it is used by pools web \(id 7\) and scheduled tasks 31$/,
      /^tasks of template nothing to run \(id 4\) are refused now: the template has no step; it is used by no pool$/,
      'the templates of the catalog were checked',
    ],
    'what an admin named by right is no matter',
  );
  await sql`UPDATE events SET data = data - 'secretsBy' WHERE stream = ${`task-${ids[0]}`}`.execute(db);
  t.match(
    (await check())[1],
    /^tasks of template log in \(id 3\) are refused now: step login, parameter password: calls name the secret db-password \(last ci, task \d+\)/,
  );
});
