import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as contracts from '@rigel/contracts';
import { OPERATIONS, onceOf, type Rpc, unboundedIn } from '@rigel/contracts';
import { REPOSITORY_DIR } from '@rigel/local';
import * as scheduler from '@rigel/scheduler';
import t from 'tap';

/*
 * Whatever a process takes from the wire has a form, and each text and list of it a limit. Whoever adds a field to a contract and
 * forgets the limit learns it here, and not from somebody who sends four gigabytes.
 */

/** What has no limit of its own, and why that does no harm. */
const EXCEPTIONS: Record<string, string> = {
  'rigel.scheduler.{partition}.report: output.data':
    'output goes along as it is: the message bounds it, and counting its characters would cost more than decoding them',
  'rigel.scheduler.{partition}.output: output.data': 'the same',
};
/** Of an operation under a key: whoever serves it looks at the request by the form of the operation itself. */
const UNDER_KEY = 'request';

/** Modules of packages and services that may take something from the wire. */
const sources: string[] = [];
for (const folder of ['packages', 'services']) {
  for (const name of await readdir(join(REPOSITORY_DIR, folder))) {
    if (name === 'contracts') continue;
    const src = join(REPOSITORY_DIR, folder, name, 'src');
    const files = await readdir(src, { recursive: true }).catch(() => []);
    for (const file of files) {
      if (!file.endsWith('.ts') || file.endsWith('.test.ts') || file.includes('testing')) continue;
      sources.push(await readFile(join(src, file), 'utf8'));
    }
  }
}

const isRpc = (value: unknown): value is Rpc =>
  typeof value === 'object' && value !== null && 'subject' in value && 'timeoutMs' in value;

const exported: Record<string, unknown> = { ...contracts, ...scheduler };

t.test('every request has a form, with a limit for each text and list', async (t) => {
  const found = new Set<string>();
  for (const rpc of [...OPERATIONS, ...Object.values(exported).filter(isRpc)]) {
    for (const path of unboundedIn(rpc.request)) found.add(`${rpc.subject}: ${path}`);
    if (rpc.keyed) t.same(unboundedIn(onceOf(rpc).request), [UNDER_KEY], onceOf(rpc).subject);
  }
  t.same([...found].sort(), Object.keys(EXCEPTIONS).sort());
});

t.test('an operation that stands outside of the contracts is looked at as well', async (t) => {
  const defined = sources.flatMap((source) =>
    [...source.matchAll(/(\w+) = defineRpc\(/g)].map(([, name = '']) => name),
  );
  t.ok(defined.length > 0);
  for (const name of defined) t.ok(isRpc(exported[name]), `${name} is exported`);
});

t.test(
  'every message that somebody listens to has a form, with a limit for each text and list',
  async (t) => {
    const names = sources.flatMap((source) =>
      [...source.matchAll(/\.subscribe\(\s*[\w.]+(?:\([^()]*\))?,\s*(\w+),/g)].map(([, name = '']) => name),
    );
    const heard = new Set([...names.filter((name) => name !== 'schema'), 'WorkOffer']);
    for (const name of [
      'EventBatch',
      'ExecutorControl',
      'Heartbeat',
      'OutputStored',
      'PartitionsTaken',
      'TaskAnnounced',
    ])
      t.ok(heard.has(name), `${name} is found in the code`);
    const calls = sources.flatMap((source) => [...source.matchAll(/\bbus\.subscribe\(/g)]).length;
    t.ok(names.length >= calls, `each of ${calls} calls is understood (${names.length})`);
    for (const name of heard) {
      const schema = exported[name];
      t.ok(schema, `${name} is exported`);
      t.same(unboundedIn(schema as Parameters<typeof unboundedIn>[0]), [], name);
    }
  },
);
