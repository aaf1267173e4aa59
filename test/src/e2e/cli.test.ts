import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '@rigel/database-cli';
import { REPOSITORY_DIR } from '@rigel/local';
import pg from 'pg';
import t from 'tap';
import { loopbackNodes } from '../support/fleet.js';
import { startRig } from '../support/rig.js';

t.test('the command rigel finds the system that runs here, and its history', async (t) => {
  const rig = await startRig();
  t.teardown(() => rig.stop());
  const { api, fleet, sshd } = rig;
  const env = { PATH: process.env.PATH, RIGEL_DATA_DIR: rig.dataDir };
  /** Runs the program as a shell would, with nothing but the data folder to go by. */
  const program = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(REPOSITORY_DIR, 'deploy', 'cli', 'dist', 'main.js'), ...args],
      { encoding: 'utf8', env },
    );
    return { status, stdout, stderr };
  };
  /** The same in this process, which takes a tenth of the processor time. */
  const rigel = async (...args: string[]) => {
    let [stdout, stderr] = ['', ''];
    const status = await run(args, env, {
      out: (line) => {
        stdout += `${line}\n`;
      },
      note: (line) => {
        stderr += `${line}\n`;
      },
    });
    return { status, stdout, stderr };
  };
  const file = join(rig.dataDir, 'run', 'database-url');
  t.equal(statSync(file).mode & 0o777, 0o600, 'the address holds a password');

  const nodes = loopbackNodes(3, sshd.port);
  await fleet.pool(nodes);
  const template = await fleet.template({ one: { command: 'echo hello' }, two: { command: 'sleep 0.5' } });
  const id = await fleet.startTask(template, nodes, { max_num: 2 });
  const during = program('verify');
  t.match(during, { status: 0, stdout: /scheduler: \d+ events, no difference/ }, 'in the middle of a task');
  t.match(await rigel('rebuild'), { status: 0, stdout: /scheduler: rebuilt from the events: tasks, runs/ });
  await fleet.ended(id);

  const created = await rigel('task', 'show', String(id), '--at', '1');
  t.match(created, { status: 0, stdout: /version 1 of \d+/ });
  t.match(created.stdout, /status {4}created/);
  t.match(created.stdout, /3 waiting, 0 running/);
  t.match(created.stdout, /1 {2}2\d{3}-.* TaskCreated/);
  t.match(await rigel('task', 'show', String(id)), { status: 0, stdout: /status {4}finished \(completed\)/ });
  const whole = JSON.parse((await rigel('task', 'show', String(id), '--json')).stdout);
  t.match(whole, {
    task: { id, status: 'finished', counts: { succeeded: 3 } },
    versions: whole.task.version,
  });
  t.match(program('task', 'show', '4711'), { status: 2, stderr: 'rigel: there is no task 4711\n' });
  t.match(await rigel('task', 'show', String(id), '--at', '2001-01-01'), {
    status: 2,
    stderr: /did not exist then/,
  });
  t.match(await rigel('task', 'show', String(id), '--at', '9999'), { status: 2, stderr: /has \d+ versions/ });

  const database = new pg.Client({ connectionString: rig.stack.databaseUrl });
  await database.connect();
  await database.query(`UPDATE scheduler.tasks SET state = 3 WHERE id = ${id}`);
  await database.query(`UPDATE inventory.event_checkpoints SET position = 99999`);
  t.match(await rigel('verify', '--service', 'scheduler'), {
    status: 1,
    stdout: /^scheduler: tasks id=1: state is 3, by the events 2\nscheduler: \d+ events, 1 difference\n$/,
  });
  const lines = (await rigel('verify', '--json')).stdout.trim().split('\n');
  t.match(
    lines.map((line) => JSON.parse(line)),
    [
      {
        service: 'inventory',
        difference: { kind: 'history', message: /node-reports stands at position 99999/ },
      },
      { service: 'inventory', differences: 1 },
      { service: 'catalog', differences: 0 },
      {
        service: 'scheduler',
        difference: { kind: 'value', table: 'tasks', key: { id }, column: 'state', value: 3, expected: 2 },
      },
      { service: 'scheduler', differences: 1 },
      { service: 'access', differences: 0 },
    ],
  );
  await database.end();
  t.match(await rigel('rebuild', '--service', 'scheduler'), { status: 0 });
  t.match(await rigel('verify', '--service', 'scheduler'), { status: 0 });
  t.match(await api.task(id), { state: 2 });

  await rig.stack.stop();
  t.notOk(existsSync(file), 'a system that is stopped leaves no address');
  t.match(await rigel('verify'), { status: 2, stderr: /no system runs in/ });
});
