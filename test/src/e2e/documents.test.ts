import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { REPOSITORY_DIR } from '@rigel/local';
import { ensureInstalledProgram } from '@rigel/local-servers';
import t, { type Test } from 'tap';
import { loopbackHosts } from '../support/fleet.js';
import { type Rig, startRig } from '../support/rig.js';

/*
 * What the documents tell their readers to type works: the blocks marked `sh` are run in order on a fresh system, with nothing changed
 * but addresses.
 */

const BLOCK_MS = 120_000;

/** Each answer goes to the reader, as ever, and to a file of answers, each on lines of its own. Several may be under way. */
const PRELUDE = `rigel() { "$NODE" "$RIGEL" "$@"; }
curl() {
  local answer status; answer=$(mktemp -p .)
  command curl -sS "$@" >$answer; status=$?
  cat $answer
  # One write for answer and end of line: answers of others cannot come between.
  echo >>$answer; cat $answer >>"$ANSWERS"
  rm $answer
  return $status
}
`;

interface Envelope {
  code: number;
  data: unknown;
}

/** The shell blocks of a document. */
async function blocksOf(document: string): Promise<string[]> {
  const text = await readFile(join(REPOSITORY_DIR, document), 'utf8');
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block);
}

async function run(
  t: Test,
  rig: Rig,
  document: string,
  addresses: Record<string, string>,
): Promise<{ shown: string[]; envelopes: Envelope[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'rigel-documents-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const answers = join(folder, 'answers');
  const places = {
    'http://127.0.0.1:8080': rig.stack.httpUrl,
    '/tmp/seen': join(folder, 'seen'),
    ...addresses,
  };
  let script = PRELUDE;
  for (const block of await blocksOf(document)) {
    script += Object.entries(places).reduce((text, [written, real]) => text.replaceAll(written, real), block);
  }
  const ca = join(folder, 'ca.crt');
  if (rig.ca !== undefined) await writeFile(ca, rig.ca);
  const { stdout } = await promisify(execFile)('bash', ['-c', script], {
    cwd: folder,
    timeout: BLOCK_MS,
    maxBuffer: 64 * 1024 * 1024,
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      NODE: process.execPath,
      RIGEL: join(REPOSITORY_DIR, 'packages', 'cli', 'dist', 'main.js'),
      RIGEL_URL: rig.stack.httpUrl,
      ANSWERS: answers,
      ...(rig.ca === undefined ? {} : { CURL_CA_BUNDLE: ca, NODE_EXTRA_CA_CERTS: ca }),
    },
  });
  const envelopes = (await readFile(answers, 'utf8'))
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Envelope);
  t.strictSame(
    envelopes.filter(({ code }) => code !== 0),
    [],
    'no request is refused',
  );
  // What a comment says of the ids in an answer.
  for (const [, header = ''] of script.matchAll(/# (X-Task-Id: \d+)$/gm)) {
    t.ok(stdout.toLowerCase().includes(header.toLowerCase()), header);
  }
  return { shown: stdout.split('\n'), envelopes };
}

await ensureInstalledProgram('curl', 'curl');

t.test('README.md: a first task', async (t) => {
  const rig = await startRig();
  t.teardown(() => rig.stop());
  const [one = '', other = ''] = loopbackHosts(2, 300);
  // Its comment has an address too.
  const { shown } = await run(t, rig, 'README.md', { '10.0.0.7 ': `${one} `, '10.0.0.8 ': `${other} ` });
  const has = (what: RegExp): boolean => shown.some((line) => what.test(line));
  t.ok(has(/load average/), 'a one-off command shows what it printed');
  t.ok(has(/^task\/2$/), 'the id is that of the text');
  t.ok(has(/good morning from /), 'so does a task');
  t.ok(has(/"task_ended|^event: end/), 'the live stream ends with the task');
});

t.test('docs/first-task.md: the same over HTTP', async (t) => {
  const rig = await startRig();
  t.teardown(() => rig.stop());
  const [one = '', other = ''] = loopbackHosts(2, 310);
  const { shown } = await run(t, rig, 'docs/first-task.md', {
    '"10.0.0.7"': `"${one}"`,
    '"10.0.0.8"': `"${other}"`,
  });
  t.ok(
    shown.some((line) => line.includes('good morning from ')),
    'the log of a node shows what its command printed',
  );
  t.ok(
    shown.some((line) => /"task_ended|^event: end/.test(line)),
    'the live stream ends with the task',
  );
});

t.test(
  'docs/scaling.md: a pool grows, moves and shrinks',
  { skip: process.platform === 'linux' ? false : 'needs loopback addresses' },
  async (t) => {
    await ensureInstalledProgram('nginx', 'nginx');
    const rig = await startRig();
    t.teardown(() => rig.stop());
    const balancer = rig.stack.balancerUrl?.replace('http://', '');
    if (balancer === undefined) throw new Error('there is no nginx, and it cannot be installed');
    const { shown, envelopes } = await run(t, rig, 'docs/scaling.md', { '127.0.0.1:8081': balancer });
    const counted = shown.filter((line) => /^ *\d+ (web:\d|failed)/.test(line)).map((line) => line.trim());
    t.match(
      counted.map((line) => line.replace(/^\d+ /, '')),
      ['web:1', 'web:2'],
      'a client saw both versions, and no failure',
    );
    t.equal(counted.length, 2, counted.join(', '));
    t.match(envelopes.at(-1)?.data, { length: 2 }, 'two machines are left');
  },
);
