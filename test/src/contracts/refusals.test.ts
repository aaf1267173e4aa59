import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

/* The codes of refusals: one list, in the description of the API, in the document, and in the code that refuses. */

const ROOT = join(import.meta.dirname, '..', '..', '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const description = JSON.parse(read('docs/openapi.json')) as {
  components: { schemas: { RefusalReason: { properties: { code: { enum: string[] } } } } };
};
const codes = description.components.schemas.RefusalReason.properties.code.enum;

/** Kinds of refusals: what a decider knows more of has a code of its own. */
const KINDS = [
  'invalid',
  'not_found',
  'conflict',
  'in_use',
  'wrong_state',
  'key_reused',
  'unavailable',
  'internal',
];

function sourcesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => /(?<!\.test)\.ts$/.test(path) && !path.includes('testing/'))
    .map((path) => join(folder, path));
}

const sources = ['services', 'packages']
  .flatMap((kind) => readdirSync(join(ROOT, kind)).map((name) => join(kind, name, 'src')))
  .filter((folder) => !/console|api-client/.test(folder))
  .flatMap(sourcesIn);

/** The codes that a source refuses with: the first argument of a refusal, and codes that it chooses among. */
function refusedWith(text: string): string[] {
  const first = [...text.matchAll(/(?:new ServiceError|\breason)\(\s*([^,)]*)/g)].map(
    ([, part = '']) => part,
  );
  const chosen = [...text.matchAll(/\bcode: ('\w+'|[^,\n]*\? '\w+' : '\w+')/g)].map(([, part = '']) => part);
  return [...first, ...chosen].flatMap((part) => [...part.matchAll(/'(\w+)'/g)].map(([, code = '']) => code));
}

t.test('the document has every code, and no other', async (t) => {
  const rows = read('docs/refusals.md')
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  const documented = rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, code = '']) => code),
  );
  t.strictSame([...documented].sort(), [...codes].sort());
});

t.test('no code is unused', async (t) => {
  // Schemas decide on the codes of this table, and errors of the gateway on those of that one.
  const tables = ['packages/messaging/src/wire/validation.ts', 'services/gateway/src/failures.ts'];
  const used = new Set(sources.flatMap((path) => refusedWith(read(path))));
  for (const path of tables) for (const [, code = ''] of read(path).matchAll(/'(\w+)'/g)) used.add(code);
  const general = ['unknown_parameter', ...KINDS];
  t.strictSame(
    codes.filter((code) => !used.has(code) && !general.includes(code)),
    [],
  );
});

t.test('a decider refuses with a code that says more than the kind', async (t) => {
  const deciders = sources.filter((path) =>
    /\/decider\.ts$|scheduler\/src\/(task\/(decide|resume|draining|options|merge-params)|schedule\/decide)\.ts$/.test(
      path,
    ),
  );
  t.ok(deciders.length >= 12, `${deciders.length} deciders`);
  for (const path of deciders) {
    const bare = refusedWith(read(path)).filter((code) => KINDS.includes(code));
    t.strictSame(bare, [], path);
  }
});
