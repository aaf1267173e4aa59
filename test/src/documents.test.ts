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
        /\.(tsx?|mjs|css|md|sh|json|ya?ml|conf)$|\/$/.test(path) &&
        !/[*<>]|^https?:|^\w+:\/\//.test(path) &&
        !startsOf(document).some((start) => existsSync(join(REPOSITORY_DIR, start, path))),
    );
    t.strictSame(missing, [], document);
  }
});

/** Made from the descriptions of the settings, which are in the code. */
const GENERATED = ['docs/configuration.md'];

const written = documents().filter((document) => !GENERATED.includes(document));

/**
 * What the chapter "Language" of CONTRIBUTING.md refuses, as far as a machine can see it: words that hide who does something, and
 * words that a reader has to translate.
 */
const NOT_PLAIN = [
  /\b(who|whom)(so)?ever\b/gi,
  /\b(nobody|anew|as ever|likewise)\b/gi,
  /\b\w*manieth\b/gi,
  /\bby (itself|themselves)\b/gi,
  /\b(is|are|was|were|be|been|being|gets?) (told|handed)\b/gi,
  /\b(there|where)(by|in|of|upon|with)\b/gi,
  /\b(tells?|told|hears?|heard|learns?|learned) of\b/gi,
  /\bit is (looked|said|waited|told)\b/gi,
  /\bof it\b/gi,
  // As a subject: "What is older is removed." A heading and a question are neither.
  /(?<=^|[.:;] )What (is|are|was|were|has|have) [^.?|\n]*\./gm,
];

t.test('documents are in plain English', async (t) => {
  for (const document of written) {
    // Titles of tests, code and quotations stand as they are.
    const text = (document === 'SECURITY.md' ? read(document).replaceAll(/`: .+$/gm, '`') : read(document))
      .replaceAll(/^ *```.*?^ *```$/gms, '')
      .replaceAll(/`[^`]*`/g, '')
      .replaceAll(/"[^"]*"/g, '');
    const found = NOT_PLAIN.flatMap((pattern) => text.match(pattern) ?? []);
    t.strictSame(found, [], document);
  }
});

t.test('a page says first who needs it', async (t) => {
  for (const document of written.filter((path) => /^docs\/(internals\/)?[\w-]+\.md$/.test(path))) {
    const [, paragraph = ''] = read(document).split('\n\n');
    t.match(paragraph, /\bThis page is (also )?for\b/, document);
  }
});

/** Documents that quote what Rigel logs and answers, for a person who reads it at that moment. */
const QUOTING = [
  'runbook',
  'operating',
  'ssh',
  'steps',
  'addresses',
  'secrets',
  'access',
  'schedules',
  'deploy',
];

const COMMAND =
  /^(curl|pnpm|npx|docker|kubectl|kustomize|rigel|node|nginx|ssh|ssh-keygen|sudo|pg_dump|pg_restore|buildah|SELECT|ALTER|POST|GET|DELETE|systemctl|env|prepare\.sh|script|sleep|set|run) /;

/** The texts of the programs: string literals that are broken over lines are joined. */
function sources(): string {
  const texts: string[] = [];
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(REPOSITORY_DIR, folder), { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (['node_modules', 'dist', 'testing', 'fixtures'].includes(entry.name)) continue;
      if (entry.isDirectory()) walk(path);
      else if (/\.(ts|sh)$/.test(path) && !path.endsWith('.test.ts')) texts.push(read(path));
    }
  };
  for (const folder of ['services', 'packages', 'deploy/local/src', 'deploy/cli/src']) walk(folder);
  return texts.join('\n').replaceAll(/['`] \+\s+['`]/g, '');
}

t.test('what documents quote is in the code', async (t) => {
  const code = sources();
  for (const name of QUOTING) {
    const text = read(`docs/${name}.md`)
      .replaceAll(/^ *```.*?^ *```$/gms, '')
      .replaceAll(/^ {4}.+$/gm, '')
      .replaceAll(/\s+/g, ' ');
    const quoted = [...text.matchAll(/`([^`]+)`/g)]
      .map(([, quote = '']) => quote)
      // Words, and no command, path, header or JSON.
      .filter((quote) => /^\W*(\p{L}[\p{L}']* ){2,}/u.test(quote) && !COMMAND.test(quote));
    const missing = quoted.filter((quote) =>
      quote
        // Values stand in the quotation where the code has an expression.
        .split(/…|\d[\w.:-]*|\([^)]*\)|["[\]{}<>$]/)
        .map((part) => part.trim())
        .filter((part) => part.length > 8)
        .some((part) => !code.includes(part)),
    );
    t.strictSame(missing, [], name);
  }
});

t.test('the README fits on two screens', async (t) => {
  const lines = read('README.md').split('\n').length;
  t.ok(lines <= 121, `${lines} lines`);
});

/** What two languages of a document have in common, by chapter: levels of headings, commands, links, pictures, names of code. */
function skeletonOf(text: string): unknown[] {
  return text.split(/^(?=#+ )/m).map((chapter) => ({
    level: /^#*/.exec(chapter)?.[0],
    blocks: [...chapter.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language, block = '']) => [
      language,
      // Comments are translated.
      block.replaceAll(/ +# (?!X-Task-Id).*$/gm, ''),
    ]),
    links: [...chapter.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => target.replace('.zh-CN', '')),
    pictures: [...chapter.matchAll(/(?:src|srcset)="([^"]+)"/g)].map(([, path = '']) =>
      path.replace('-zh-', '-en-'),
    ),
    names: [...chapter.replaceAll(/^```.*?^```$/gms, '').matchAll(/`([^`]+)`/g)]
      .map(([, name]) => name)
      .sort(),
    rows: chapter.split('\n').filter((line) => line.startsWith('|')).length,
  }));
}

t.test('the README in Chinese keeps step: chapters, commands, links, pictures', async (t) => {
  const [english, chinese] = [read('README.md'), read('README.zh-CN.md')];
  t.strictSame(skeletonOf(chinese), skeletonOf(english));
  t.ok(skeletonOf(english).length > 3, 'there are chapters to compare');
  t.match(chinese, /src="docs\/pictures\/task-zh-light\.webp"/, 'its picture is in Chinese too');
  t.match(
    english,
    /^# Rigel\n[^#]*<picture>[^#]*docs\/pictures\/task-en-light\.webp/,
    'it opens with the picture',
  );
});

/** Most bytes of one picture, and of all. */
const PICTURE_BYTES = 200_000;
const PICTURES_BYTES = 1_500_000;

t.test('the pictures of the main pages are there in both languages and themes, and are small', async (t) => {
  const folder = 'docs/pictures';
  const expected = ['action', 'overview', 'pool', 'schedules', 'task'].flatMap((page) =>
    ['en', 'zh'].flatMap((language) => ['dark', 'light'].map((theme) => `${page}-${language}-${theme}.webp`)),
  );
  t.strictSame(readdirSync(join(REPOSITORY_DIR, folder)).sort(), expected);
  const sizes = expected.map((name) => {
    const picture = readFileSync(join(REPOSITORY_DIR, folder, name));
    t.equal(picture.subarray(0, 4).toString(), 'RIFF', `${name} is WebP`);
    t.ok(picture.length <= PICTURE_BYTES, `${name}: ${picture.length} bytes`);
    return picture.length;
  });
  t.ok(sizes.reduce((all, one) => all + one, 0) <= PICTURES_BYTES, 'together');
});

t.test('each "cannot" of SECURITY.md names a test that is there', async (t) => {
  const lines = read('SECURITY.md')
    .split('\n')
    .filter((line) => /\.test\.ts`/.test(line));
  t.ok(lines.length > 40, `${lines.length} lines`);
  for (const line of lines) {
    const [, file = '', title = ''] = /`([\w./-]+\.test\.ts)`: (.+?) *\|$/.exec(line) ?? [];
    const path = file.includes('/') ? file : `test/src/attacks/${file}`;
    t.ok(existsSync(join(REPOSITORY_DIR, path)) && read(path).includes(title), `${file}: ${title}`);
  }
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
