import { execFileSync } from 'node:child_process';
import t from 'tap';
import { curlLine } from './curl-line.js';

const ROOT = 'https://ops.example/rigel/';

t.test('a request is one line for a shell', async (t) => {
  t.equal(
    curlLine({ method: 'GET', path: 'task/42' }, ROOT, 'off'),
    "curl -sS 'https://ops.example/rigel/task/42'",
  );
  t.equal(
    curlLine({ method: 'DELETE', path: 'task/42' }, ROOT, 'on'),
    `curl -sS -X DELETE -H "Authorization: Bearer $RIGEL_TOKEN" 'https://ops.example/rigel/task/42'`,
  );
  t.equal(
    curlLine({ method: 'POST', path: 'task/stop/42', body: {} }, ROOT, 'off'),
    "curl -sS 'https://ops.example/rigel/task/stop/42' -d '{}'",
  );
});

t.test('what a shell would carry out stays data', async (t) => {
  const desc = `it's $(id) \`id\` "two" ; rm -rf /\n中文`;
  const line = curlLine({ method: 'POST', path: "x'$(id)", body: { desc } }, ROOT, 'on');
  // The shell's own words, one a line of base64, instead of curl.
  const script = `curl() { for word in "$@"; do printf %s "$word" | base64 -w0; echo; done; }; RIGEL_TOKEN=secret; ${line}`;
  const words = execFileSync('sh', ['-c', script], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((word) => Buffer.from(word, 'base64').toString());
  t.strictSame(words, [
    '-sS',
    '-H',
    'Authorization: Bearer secret',
    `${ROOT}x'$(id)`,
    '-d',
    JSON.stringify({ desc }),
  ]);
});
