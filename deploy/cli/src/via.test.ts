import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { needsDatabase } from './via.js';

const home = mkdtempSync(join(tmpdir(), 'rigel-via-'));
t.teardown(() => rmSync(home, { recursive: true }));
const bare = { XDG_CONFIG_HOME: home };
const api = { ...bare, RIGEL_URL: 'http://127.0.0.1:8080' };

const cases: [line: string, env: NodeJS.ProcessEnv, isForDatabase: boolean, args?: string][] = [
  ['verify --json', api, true],
  ['database migrate', api, true],
  ['task list', bare, false],
  ['pool list', bare, false],
  ['help', bare, false],
  ['token create --name a --role admin', bare, true],
  ['token create --name a --role admin', api, false],
  ['task show 7', bare, true],
  ['task show 7 --url http://127.0.0.1:1', bare, false],
  ['task show 7 --context=prod', bare, false],
  ['task show 7 -o json', bare, false],
  ['orphans --fields=id', bare, false],
  ['task show 7 --via api', bare, false, 'task show 7'],
  ['orphans --via=database', api, true, 'orphans'],
  ['orphans --via both', api, false, 'orphans --via both'],
];

t.test('what both have goes by the API if somebody has said where it is', async (t) => {
  for (const [line, env, isForDatabase, args = line] of cases)
    t.strictSame(needsDatabase(line.split(' '), env), { isForDatabase, args: args.split(' ') }, line);
});
