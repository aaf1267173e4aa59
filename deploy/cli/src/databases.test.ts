import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DATABASE_URL_FILE } from '@rigel/contracts';
import { startTestServers } from '@rigel/testing';
import t from 'tap';
import { databaseUrl } from './databases.js';
import { rigel } from './testing/rigel.js';

t.test('the database: of the environment, else of the system that runs in the data folder', async (t) => {
  const folder = t.testdir();
  const local = { RIGEL_DATA_DIR: folder };
  t.throws(() => databaseUrl('catalog', local), {
    name: 'UsageError',
    message:
      /^the database is not known: DATABASE_URL is not set, and no system runs in .* \(start one, or set RIGEL_DATA_DIR/,
  });
  mkdirSync(join(folder, 'run'));
  writeFileSync(join(folder, DATABASE_URL_FILE), 'postgres://local\n');
  t.equal(databaseUrl('catalog', local), 'postgres://local');
  t.equal(databaseUrl('catalog', { ...local, DATABASE_URL: 'postgres://all' }), 'postgres://all');
  const own = { ...local, DATABASE_URL: 'postgres://all', CATALOG_DATABASE_URL: 'postgres://own' };
  t.equal(databaseUrl('catalog', own), 'postgres://own');
  t.equal(databaseUrl('inventory', own), 'postgres://all');
});

t.test('what cannot be done is one line and status 2, and tells no password', async (t) => {
  const servers = await startTestServers();
  t.teardown(() => servers.stop());
  const env = { DATABASE_URL: servers.databaseUrl };
  t.match(await rigel({ RIGEL_DATA_DIR: t.testdir() }, 'verify'), {
    status: 2,
    note: [/database is not known/],
  });
  t.match(await rigel(env, 'verfy'), { status: 2, note: [/^rigel: there is no command verfy/] });
  t.match(await rigel(env, 'verify'), {
    status: 2,
    out: [],
    note: [
      'rigel: the database has no schema inventory: the service inventory makes it when it starts for the first time',
    ],
  });
  await servers.stopPostgres();
  const away = await rigel(env, 'task', 'show', '1');
  t.match(away, {
    status: 2,
    note: [/^rigel: the database of scheduler cannot be used: connect ECONNREFUSED/],
  });
  t.notMatch(away.note.join(), new URL(servers.databaseUrl).password);
  t.match(await rigel({}, 'help'), { status: 0, out: [/^rigel:/, '', /rigel verify/] });
});
