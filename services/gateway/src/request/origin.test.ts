import t from 'tap';
import { hostOf } from './host.js';
import { foreignOrigin } from './origin.js';

const HERE = '127.0.0.1:8080';

function refusal(
  method: string,
  changes: boolean,
  { host = HERE, ...headers }: Record<string, string>,
  names: readonly string[] | null = [],
): string | undefined {
  const asked = hostOf({ target: '/x', rawHeaders: ['Host', host], httpVersion: '1.1' });
  if ('wrong' in asked) throw new Error(asked.wrong);
  return foreignOrigin({ headers: { host, ...headers }, host: asked.host, method, changes }, names);
}

const EVIL = 'http://evil.example/page';

/** What browsers send with every request. */
const AGENTS = {
  'Chrome 48':
    'Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/48.0 Safari/537.36',
  'Firefox 60': 'Mozilla/5.0 (X11; Linux x86_64; rv:60.0) Gecko/20100101 Firefox/60.0',
  'Safari 10': 'Mozilla/5.0 (Macintosh) AppleWebKit/602.1 (KHTML, like Gecko) Version/10.0 Safari/602.1',
  'Internet Explorer 11': 'Mozilla/5.0 (Windows NT 6.3; Trident/7.0; rv:11.0) like Gecko',
  'Opera Mini': 'Opera/9.80 (Android; Opera Mini/36.2) Presto/2.12',
};

/** What is said to be asked for, by what on a page asks. */
const ACCEPTS = {
  'an <img>': 'image/avif,image/webp,image/apng,image/*,*/*;q=0.8',
  'an <img> of old': 'image/png, image/svg+xml, image/*;q=0.8, */*;q=0.5',
  'a <script>': '*/*',
  'a <script> of old': 'application/javascript, */*;q=0.8',
  'a style sheet': 'text/css,*/*;q=0.1',
  'a <video>': 'video/webm,video/ogg,video/*;q=0.9,*/*;q=0.5',
  'a font': 'application/font-woff2;q=1.0,*/*;q=0.8',
  'a frame, a link or a form': 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'fetch without cors': 'application/json',
};

t.test('clients that are no browsers may do everything, as before', async (t) => {
  const clients: Record<string, Record<string, string>> = {
    'a program that says nothing': {},
    curl: { 'user-agent': 'curl/7.88.1', accept: '*/*' },
    wget: { 'user-agent': 'Wget/1.21.3', accept: '*/*' },
    'the console’s server': { accept: 'application/json', authorization: 'root' },
    'Node’s fetch': {
      accept: '*/*',
      'accept-language': '*',
      'sec-fetch-mode': 'cors',
      'user-agent': 'node',
    },
    'Python’s requests': { 'user-agent': 'python-requests/2.31.0', accept: '*/*' },
    Java: { 'user-agent': 'Java/17', accept: 'text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2' },
    PowerShell: {
      'user-agent': 'Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041.1',
    },
    'a program on a phone that says who asks': {
      'user-agent': 'Fleet/1 CFNetwork/1410',
      'accept-language': 'en-US',
      accept: '*/*',
      authorization: 'ann',
    },
  };
  for (const [name, headers] of Object.entries(clients))
    for (const method of ['GET', 'POST', 'DELETE'])
      t.equal(refusal(method, true, headers), undefined, `${name}: ${method}`);
  for (const host of ['LOCALHOST:8080', '[::1]:8080', 'rigel.example'])
    t.equal(refusal('GET', true, { host }, ['rigel.example']), undefined, host);
  t.equal(refusal('GET', true, { host: 'any.example' }, null), undefined, 'where names are not checked');
});

t.test('a browser changes something from a page of ours', async (t) => {
  const agent = { 'user-agent': AGENTS['Firefox 60'], 'accept-language': 'en', accept: '*/*' };
  for (const own of [
    { 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'same-origin', origin: `http://${HERE}` },
    { origin: `http://${HERE}` },
    { referer: `http://${HERE}/docs/` },
    { authorization: 'ann' },
    { authorization: 'Bearer rgl_1_x' },
  ] as Record<string, string>[])
    for (const method of ['GET', 'POST', 'DELETE'])
      t.equal(refusal(method, true, { ...agent, ...own }), undefined, `${method} ${JSON.stringify(own)}`);
  t.equal(refusal('POST', true, { ...agent, 'sec-fetch-site': 'none' }), undefined, 'an extension');
});

t.test('no browser of the last ten years changes anything for another site', async (t) => {
  const origins: Record<string, Record<string, string>> = {
    'without a referrer': {},
    'with a referrer': { referer: EVIL },
    'from another port': { referer: 'http://127.0.0.1:9090/' },
    'with credentials that a browser keeps': { authorization: 'Basic YTpi' },
  };
  for (const [browser, agent] of Object.entries(AGENTS)) {
    for (const [element, accept] of Object.entries(ACCEPTS)) {
      for (const [how, more] of Object.entries(origins)) {
        for (const method of ['GET', 'POST']) {
          const headers = { 'user-agent': agent, 'accept-language': 'en-US,en;q=0.5', accept, ...more };
          t.type(refusal(method, true, headers), 'string', `${browser}, ${element}, ${method} ${how}`);
        }
      }
    }
  }
});

t.test('one sign of a browser is enough, when others are taken away', async (t) => {
  for (const sign of [
    { 'user-agent': AGENTS['Chrome 48'] },
    { 'accept-language': 'de' },
    { 'upgrade-insecure-requests': '1' },
    { 'sec-ch-ua': '"Chromium";v="120"' },
    { 'sec-purpose': 'prefetch;prerender' },
    { 'sec-gpc': '1' },
    { purpose: 'prefetch' },
    { 'x-moz': 'prefetch' },
    { dnt: '1' },
    { 'ping-to': EVIL },
    { 'sec-fetch-dest': 'image' },
  ] as Record<string, string>[])
    t.match(refusal('GET', true, { accept: '*/*', ...sign }), /only from a page/, JSON.stringify(sign));
  for (const [element, accept] of Object.entries(ACCEPTS).filter(([, text]) =>
    /image|css|video|font|script/.test(text),
  ))
    t.match(refusal('GET', true, { accept }), /no picture, style or script/, element);
  t.match(refusal('GET', true, { referer: EVIL }), /Referer http:\/\/evil\.example\/page/);
  t.match(refusal('POST', true, { referer: 'about:blank' }), /pages of other sites/);
});

t.test('a link in a mail, an address that is typed or fetched ahead, change nothing by GET', async (t) => {
  const typed = { 'user-agent': AGENTS['Firefox 60'], 'sec-fetch-site': 'none', accept: 'text/html' };
  t.match(refusal('GET', true, typed), /send a header Authorization/);
  t.equal(refusal('GET', false, typed), undefined, 'they may look');
});

t.test('pages of other sites, and names that are not ours, may not even look', async (t) => {
  for (const headers of [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'same-origin, cross-site' },
    { 'sec-fetch-site': 'of-the-future' },
    { 'sec-fetch-site': 'cross-site', authorization: 'ann', referer: `http://${HERE}/` },
    { origin: 'http://evil.example' },
    { origin: 'http://127.0.0.1:9090' },
    { origin: 'null' },
    { origin: '' },
    { origin: `http://${HERE}, http://evil.example` },
    { origin: 'http://evil.example', authorization: 'ann' },
    { host: 'evil.example:8080' },
    { host: 'evil.example:8080', origin: 'http://evil.example:8080', 'sec-fetch-site': 'same-origin' },
    { host: 'localhost.evil.example', authorization: 'ann' },
  ] as Record<string, string>[])
    for (const changes of [true, false])
      for (const method of ['GET', 'POST'])
        t.type(refusal(method, changes, headers), 'string', `${method} ${JSON.stringify(headers)}`);
  const gone = foreignOrigin(
    { headers: { origin: 'null' }, host: undefined, method: 'GET', changes: false },
    [],
  );
  t.type(gone, 'string', 'an origin without a host to compare it with');
});
