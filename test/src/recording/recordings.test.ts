import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HISTORIES } from '@rigel/database-cli';
import {
  describeDifference,
  loadRecording,
  parseRecording,
  readOutcome,
  rebuildHistory,
  verifyHistory,
} from '@rigel/event-store/maintenance';
import { REPOSITORY_DIR } from '@rigel/local';
import { openDatabase } from '@rigel/runtime/database';
import { silentLogger, startTestServers } from '@rigel/testing';
import { sql } from 'kysely';
import t from 'tap';

/*
 * What was recorded in earlier releases must mean the same today: the events go through today's upcasters, folds and
 * projections, and what comes out is compared with what stood in the tables then.
 */

const servers = await startTestServers();
t.teardown(() => servers.stop());

interface Recording {
  name: string;
  file: string;
}

function recordingsOf(service: string): Recording[] {
  const folder = join(REPOSITORY_DIR, 'services', service, 'recordings');
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((release) =>
    readdirSync(join(folder, release))
      .filter((file) => file.endsWith('.jsonl'))
      .map((file) => ({ name: `${service} ${release} ${file}`, file: join(folder, release, file) })),
  );
}

for (const history of Object.values(HISTORIES)) {
  const { service, types, migrations } = history;
  const recordings = recordingsOf(service);

  t.test(`${service}: every version of every type of event is in a recording`, async (t) => {
    const recorded = new Set(
      recordings
        .flatMap(({ file }) => parseRecording(readFileSync(file, 'utf8')))
        .map(({ type, schema }) => `${type} ${schema}`),
    );
    const declared = types.names.flatMap((type) =>
      Array.from({ length: types.versionOf(type) }, (_, index) => `${type} ${index + 1}`),
    );
    t.strictSame([...recorded].sort(), declared.sort());
  });

  for (const { name, file } of recordings) {
    t.test(`${name}: means today what it meant then`, async (t) => {
      const db = await openDatabase<unknown>({
        url: servers.databaseUrl,
        schema: service,
        migrations,
        log: silentLogger,
        signal: new AbortController().signal,
      });
      t.teardown(async () => {
        await sql`DROP SCHEMA ${sql.id(service)} CASCADE`.execute(db);
        await db.destroy();
      });
      await loadRecording(db, parseRecording(readFileSync(file, 'utf8')));
      await rebuildHistory(db, history);
      const expected = JSON.parse(readFileSync(file.replace(/\.jsonl$/, '.expected.json'), 'utf8'));
      const outcome = await readOutcome(db, history);
      for (const table of Object.keys(outcome.rows)) {
        t.strictSame(outcome.rows[table], expected.rows[table], `rows of ${table}`);
      }
      t.strictSame(outcome.states, expected.states, 'state of every stream');
      const differences: string[] = [];
      await verifyHistory(db, history, {
        headOf: async () => 0,
        onDifference: (difference) => differences.push(describeDifference(difference)),
      });
      t.strictSame(differences, []);
    });
  }

  t.test(`${service}: recordings tell nothing of where they were made`, async (t) => {
    for (const { name, file } of recordings) {
      for (const path of [file, file.replace(/\.jsonl$/, '.expected.json')]) {
        const text = readFileSync(path, 'utf8');
        t.notMatch(text, /PRIVATE KEY|password|\/home\/|\/root\/|\/tmp\/|\/work\//i, name);
      }
    }
  });
}
