import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { REPOSITORY_DIR } from '@rigel/local';
import t from 'tap';

/*
 * What the documents say of the repository is true.
 */

const read = (path: string): string => readFileSync(join(REPOSITORY_DIR, path), 'utf8');

/** The documents, by their path in the repository. */
function documents(folder = ''): string[] {
  return readdirSync(join(REPOSITORY_DIR, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.name === 'node_modules' || entry.name === 'dist' || entry.name.startsWith('.')) return [];
    if (entry.isDirectory()) return documents(path);
    // What happened then, by the names of then.
    return entry.name.endsWith('.md') && entry.name !== 'CHANGELOG.md' ? [path] : [];
  });
}

/** Where a document's paths begin: at the repository, or, as code is spoken of, at a service or package, or beside the document. */
const startsOf = (document: string): string[] => ['', 'services', 'packages', 'deploy', dirname(document)];

t.test('files that documents name are there', async (t) => {
  for (const document of documents()) {
    const text = read(document).replaceAll(/^```.*?^```$/gms, '');
    const named = [
      ...[...text.matchAll(/`([\w@.-]+(?:\/[\w@.*<>-]+)+\/?)`/g)].map(([, path = '']) => path),
      ...[...text.matchAll(/\]\(([^)#]+)/g)].map(([, path = '']) => path),
    ];
    const missing = [...new Set(named)].filter(
      (path) =>
        /\.(ts|mjs|md|sh|json|ya?ml|conf)$|\/$/.test(path) &&
        !/[*<>]|^https?:|^\w+:\/\//.test(path) &&
        !startsOf(document).some((start) => existsSync(join(REPOSITORY_DIR, start, path))),
    );
    t.strictSame(missing, [], document);
  }
});

/** Documents that keep to the chapter "Language" of CONTRIBUTING.md. */
const PLAIN = [
  'README.md',
  'ARCHITECTURE.md',
  ...documents('docs/internals'),
  ...documents('docs/adr'),
  ...['api', 'history', 'scaling', 'schedules'].map((name) => `docs/${name}.md`),
];

t.test('documents are in plain English', async (t) => {
  for (const document of PLAIN) {
    const found = read(document).match(/\b(whoever|whomever|anew|by themselves|(is|are|was|were) told)\b/gi);
    t.strictSame(found, null, document);
  }
});

t.test('the README fits on two screens', async (t) => {
  const lines = read('README.md').split('\n').length;
  t.ok(lines <= 121, `${lines} lines`);
});

t.test('every decision is in the index, with its status and date', async (t) => {
  const folder = 'docs/adr';
  const rows = readdirSync(join(REPOSITORY_DIR, folder))
    .filter((name) => name !== 'README.md')
    .sort()
    .map((name) => {
      const text = read(join(folder, name));
      const [, number, title] = /^# (\d{4})\. (.+)$/m.exec(text) ?? [];
      const [, status] = /^Status: (accepted|superseded by \d{4})$/m.exec(text) ?? [];
      const [, date] = /^Date: (\d{4}-\d\d-\d\d)$/m.exec(text) ?? [];
      t.ok(number !== undefined && name.startsWith(number), `${name} has its number`);
      for (const chapter of ['Context', 'Decision', 'Consequences'])
        t.ok(text.includes(`\n## ${chapter}\n`), `${name} has the chapter ${chapter}`);
      return [`[${number}](${name})`, title, status, date];
    });
  const index = read(join(folder, 'README.md'))
    .split('\n')
    .filter((line) => line.startsWith('| ['))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
  t.strictSame(index, rows);
  t.strictSame(
    rows.map(([link]) => link?.slice(1, 5)),
    rows.map((_, index) => String(index + 1).padStart(4, '0')),
    'numbers have no gaps',
  );
});
