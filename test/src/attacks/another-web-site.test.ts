import { once } from 'node:events';
import { request as http, type IncomingHttpHeaders } from 'node:http';
import { request as https } from 'node:https';
import { text } from 'node:stream/consumers';
import { waitFor } from '@rigel/testing';
import pg from 'pg';
import t from 'tap';
import { loopbackNodes } from '../support/fleet.js';
import { startRig } from '../support/rig.js';

/*
 * Another web site: any page that somebody opens in a browser on the machine where Rigel listens, while access is off. It holds
 * nothing but what a browser does for every page: it asks for pictures, styles, scripts and frames at any address, follows links,
 * sends forms, and may have a name of its own resolve to this machine. It also leaves out what would tell where it comes from.
 */

const rig = await startRig({ executors: 1 });
t.teardown(() => rig.stop());
const { fleet, api } = rig;
const { hostname, port, host, protocol } = new URL(rig.stack.httpUrl);

interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** Sends exactly these headers, which no client library lets a program do. */
async function send(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body = '',
): Promise<Reply> {
  const options = {
    hostname,
    port,
    method,
    path,
    // Its certificate is for this name, whatever a request calls it.
    ...(rig.ca === undefined ? {} : { ca: rig.ca, servername: 'localhost' }),
    headers: { ...headers, ...(body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) }) },
  };
  const outgoing = protocol === 'https:' ? https(options) : http(options);
  outgoing.end(body);
  const [response] = await once(outgoing, 'response');
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

/** What browsers send with every request; those of today also say from where. */
const BROWSERS: Record<string, Record<string, string>> = {
  'Chrome of today': {
    'user-agent':
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
    'accept-language': 'en-US,en;q=0.9',
    'sec-fetch-site': 'cross-site',
    'sec-fetch-mode': 'no-cors',
  },
  'Chrome of today, by http to a name or to 0.0.0.0': {
    'user-agent':
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
    'accept-language': 'en-US,en;q=0.9',
  },
  'Firefox 52': {
    'user-agent': 'Mozilla/5.0 (Windows NT 6.1; rv:52.0) Gecko/20100101 Firefox/52.0',
    'accept-language': 'en-US,en;q=0.5',
  },
  'Safari 10': {
    'user-agent': 'Mozilla/5.0 (Macintosh) AppleWebKit/602.4 (KHTML, like Gecko) Version/10.0 Safari/602.4',
    'accept-language': 'en-us',
  },
  'Internet Explorer 11': {
    'user-agent': 'Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko',
    'accept-language': 'en-US',
  },
  // What a proxy for privacy leaves of one.
  'a browser without a name': { 'accept-language': 'en-US' },
};

/** What asks, by what it says to want. */
const ELEMENTS: Record<string, Record<string, string>> = {
  'an <img>': { accept: 'image/avif,image/webp,image/apng,image/*,*/*;q=0.8' },
  'a <script>': { accept: '*/*' },
  'a style sheet': { accept: 'text/css,*/*;q=0.1' },
  'a frame, a link, a form or a redirect': {
    accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
    'upgrade-insecure-requests': '1',
  },
  'a prefetch': { accept: '*/*', purpose: 'prefetch' },
  'fetch without cors': { accept: 'application/json' },
};

/** What a page lets its browser say of it. */
const REFERRERS: Record<string, Record<string, string>> = {
  'no-referrer': {},
  'its address': { referer: 'https://evil.example/' },
};

const template = await fleet.template({ hello: { command: 'echo hello' } });
const [node = '', other = ''] = loopbackNodes(2, rig.sshd.port);
const { poolId } = await fleet.pool([node, other]);
const task = await fleet.startTask(template, [node], { auto: false });

/** Where each service's history ends: as long as that stays, nothing was changed. */
async function heads(): Promise<unknown> {
  const database = new pg.Client({ connectionString: rig.stack.databaseUrl });
  await database.connect();
  try {
    const { rows } = await database.query(
      `SELECT (SELECT position FROM inventory.event_head) AS inventory,
        (SELECT position FROM catalog.event_head) AS catalog,
        (SELECT position FROM scheduler.event_head) AS scheduler`,
    );
    return rows[0];
  } finally {
    await database.end();
  }
}

/** Every operation of this method that changes something, with the ids of things that there are. */
async function changes(method: string): Promise<string[]> {
  const { paths } = JSON.parse((await send('GET', '/openapi.json')).body) as {
    paths: Record<string, Record<string, { 'x-role': string }>>;
  };
  return Object.entries(paths).flatMap(([path, methods]) => {
    const operation = methods[method.toLowerCase()];
    if (operation === undefined || operation['x-role'] === 'viewer' || path === '/audit') return [];
    if (path.startsWith('/token/list') || path.startsWith('/session/list')) return [];
    const id = path.startsWith('/task/') ? task : poolId;
    return [path.replaceAll(/\{\w+\}/g, String(id))];
  });
}

// First, while few kinds of refusals are being told apart.
t.test('It cannot fill the audit with what was refused', async (t) => {
  const action = { action: 'task.release_node', outcome: 'denied' };
  for (let n = 1; n <= 200; n++)
    await send('POST', `/task/release_node/${n}`, { origin: 'https://flood.example' });
  const rows = await waitFor(
    async () => {
      const found = (await api.ok<{ reason: string }[]>('/audit', action)).filter(({ reason }) =>
        reason.includes('flood.example'),
      );
      return found.length > 0 && found;
    },
    { what: 'the first is in the audit' },
  );
  t.equal(rows.length, 1, 'the others are told as one line');
});

t.test('It cannot start, stop or change anything by what its pages ask for', async (t) => {
  const before = await heads();
  const paths = await changes('GET');
  let asked = 0;
  t.ok(paths.includes(`/task/start/${task}`) && paths.length > 8, `${paths.length} operations`);
  // One operation in all ways, the others in each of them once.
  for (const [browser, agent] of Object.entries(BROWSERS)) {
    for (const [element, wants] of Object.entries(ELEMENTS)) {
      for (const [how, says] of Object.entries(REFERRERS)) {
        const path = paths[asked++ % paths.length] as string;
        for (const address of new Set([`/task/start/${task}`, path])) {
          const { status, body } = await send('GET', address, { ...agent, ...wants, ...says });
          if (status !== 403) t.fail(`${address}: ${element}, ${browser}, ${how}: ${status} ${body}`);
        }
      }
    }
  }
  t.ok(asked > paths.length);
  const { status } = await send('GET', `/task/start/${task}`, ELEMENTS['an <img>']);
  t.equal(status, 403, 'a picture, even if nothing is known of who asks');
  t.strictSame(await heads(), before, 'nothing was changed');
});

const SAYS: Record<string, string>[] = [
  {},
  { origin: 'null' },
  { origin: 'https://evil.example' },
  { referer: 'https://evil.example/' },
];

t.test('It cannot send a form', async (t) => {
  const before = await heads();
  const frame = ELEMENTS['a frame, a link, a form or a redirect'];
  const forms: [type: string, body: string][] = [
    ['text/plain', '{"name": "evil", "desc": "=", "biz": "1"}'],
    ['application/x-www-form-urlencoded', 'name=evil&desc=&biz=1'],
    [
      'multipart/form-data; boundary=x',
      '--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nevil\r\n--x--\r\n',
    ],
  ];
  const paths = await changes('POST');
  let sent = 0;
  while (sent < paths.length) {
    for (const [browser, agent] of Object.entries(BROWSERS)) {
      for (const says of SAYS) {
        for (const [type, body] of forms) {
          const path = paths[sent++ % paths.length] as string;
          const headers = { ...agent, ...frame, ...says, 'content-type': type };
          for (const address of new Set(['/cluster/create', path])) {
            const { status } = await send('POST', address, headers, body);
            if (status !== 403) t.fail(`${address}: ${browser} ${type} ${JSON.stringify(says)}: ${status}`);
          }
        }
      }
    }
  }
  t.strictSame(await heads(), before, 'nothing was changed');
});

t.test('It cannot have a name of its own lead here (DNS rebinding)', async (t) => {
  const own = { ...BROWSERS['Chrome of today'], 'sec-fetch-site': 'same-origin' };
  for (const name of [
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '127.0.0.1.',
    'localhost.',
    '[::1]evil.example',
    'evil.example@127.0.0.1',
  ]) {
    for (const [method, path] of [
      ['GET', '/cluster/list'],
      ['GET', `/task/start/${task}`],
      ['POST', `/task/start/${task}`],
    ] as const) {
      const { status } = await send(method, path, { ...own, host: `${name}:${port}` });
      if (status !== 403 && status !== 400) t.fail(`${method} ${path} at ${name}: ${status}`);
    }
  }
  const { status } = await send('GET', `http://evil.example/task/start/${task}`, { host });
  t.equal(status, 400, 'nor by an address that names another host than the header does');
});

t.test('It cannot read an answer, nor be let in by asking for it', async (t) => {
  for (const headers of [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'same-site' },
  ] as Record<string, string>[]) {
    const reply = await send('GET', '/cluster/list', headers);
    t.equal(reply.status, 403, JSON.stringify(headers));
    const stream = await send('GET', `/task/${task}/events`, { ...headers, accept: 'text/event-stream' });
    t.equal(stream.status, 403, 'a live stream');
  }
  const asking = {
    origin: 'https://evil.example',
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization',
  };
  const replies = [
    await send('OPTIONS', `/task/start/${task}`, asking),
    await send('OPTIONS', '/cluster/list', asking),
    await send('GET', '/cluster/list'),
  ];
  for (const { headers } of replies) {
    t.strictSame(
      Object.keys(headers).filter((name) => name.startsWith('access-control-')),
      [],
    );
    t.match(headers, {
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
  }
});

t.test('And everybody else goes on as before', async (t) => {
  const page = { ...BROWSERS['Firefox 52'], accept: '*/*' };
  const paused = await fleet.startTask(template, [other], { auto: false });
  const consoles = { accept: 'application/json', authorization: 'root', 'x-http-method-override': 'GET' };
  t.equal((await send('GET', `/task/start/${paused}`, consoles)).status, 200, 'the console’s server');
  t.equal((await send('GET', `/task/stop/${paused}`, { 'user-agent': 'curl/8', accept: '*/*' })).status, 200);
  t.equal((await send('GET', `/task/${task}`, page)).status, 200, 'a browser looks');
  const typed = { ...page, 'sec-fetch-site': 'none' };
  t.match(await send('GET', `/task/start/${task}`, typed), {
    status: 403,
    body: /only from a page of this address: use a page of this address, or send a header Authorization/,
  });
  const ours = { ...page, referer: `${protocol}//${host}/docs/` };
  t.match(await send('GET', `/task/start/${task}`, ours), { status: 200 }, 'a page of ours');
  await fleet.ended(task);
});
