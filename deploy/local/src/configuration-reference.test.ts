import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { REPOSITORY_DIR } from './config.js';
import { configurationReference } from './configuration-reference.js';

t.test('the committed reference is that of the schemas', async (t) => {
  const made = await configurationReference();
  const committed = readFileSync(join(REPOSITORY_DIR, 'docs/configuration.md'), 'utf8');
  t.equal(committed, made, 'run `pnpm configuration`');
  const rows = made.split('\n').filter((line) => line.startsWith('| `'));
  t.ok(rows.length > 30);
  for (const row of rows) t.notMatch(row, /\|\s*\|$/, `${row.split('|')[1]} has a description`);
});
