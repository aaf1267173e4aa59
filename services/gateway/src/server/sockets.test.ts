import { type IncomingHttpHeaders, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { inventory } from '@rigel/contracts';
import t from 'tap';
import { reason } from '../answer/reason.js';
import { answerEverything } from '../testing/answers.js';
import { startTestGateway } from '../testing/gateway.js';

const { app, services, stop } = await startTestGateway();
t.teardown(stop);
answerEverything(services);
await app.listen({ host: '127.0.0.1', port: 0 });
const { port } = app.server.address() as AddressInfo;

interface Reply {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

function send(
  method: string,
  path: string,
  options: { body?: string; chunks?: string[]; headers?: Record<string, string> } = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const headers = { ...options.headers };
    if (options.body !== undefined) headers['content-length'] = String(Buffer.byteLength(options.body));
    else if (options.chunks) headers['transfer-encoding'] = 'chunked';
    const outgoing = request({ host: '127.0.0.1', port, method, path, headers }, (response) => {
      text(response).then(
        (body) => resolve({ status: response.statusCode, headers: response.headers, body }),
        reject,
      );
    });
    outgoing.on('error', reject);
    for (const chunk of options.chunks ?? []) outgoing.write(chunk);
    outgoing.end(options.body);
  });
}

/** Sends bytes as they are and returns all that comes back until the server closes. */
async function sendRaw(bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  return text(socket);
}

t.test('bodies of GET and DELETE are read', async (t) => {
  const type = { 'content-type': 'application/json' };
  const list = await send('GET', '/remote_step/list', { body: 'page=2&page_size=3', headers: type });
  t.match(JSON.parse(list.body), { code: 0, page: 2, page_size: 3 });

  const body = '{"nodes": ["10.0.0.7"]}';
  const added = await send('GET', '/pool/4/add_nodes', { body, headers: type });
  t.strictSame(JSON.parse(added.body), { code: 0, msg: 'success', data: [41, 42] });

  const removed = await send('DELETE', '/pool/4/remove_nodes', { body });
  t.strictSame(JSON.parse(removed.body), { code: 0, msg: 'success', data: {} });
  t.strictSame(services.last(inventory.removeNodes)?.data, { pool_id: 4, nodes: ['10.0.0.7'] });
});

t.test('a body in chunks is read', async (t) => {
  const chunks = ['{"nodes": ["10.0', '.0.7"]}'];
  t.match(JSON.parse((await send('GET', '/pool/4/add_nodes', { chunks })).body), { code: 0 });
  t.match(JSON.parse((await send('POST', '/pool/4/add_nodes', { chunks })).body), { code: 0 });
});

t.test('requests without a body, with and without saying so', async (t) => {
  t.match(JSON.parse((await send('GET', '/cluster/list')).body), { code: 0 });
  t.match(JSON.parse((await send('POST', '/cluster/list')).body), { code: 0 });
  t.match(JSON.parse((await send('DELETE', '/service/delete/3', { body: '' })).body), { code: 0 });
});

t.test('a method that the gateway does not know', async (t) => {
  const known = await send('PROPFIND', '/cluster/list');
  t.equal(known.status, 405);
  t.equal(known.headers.allow, 'GET, POST, HEAD');
  t.equal((await send('PROPFIND', '/nowhere')).status, 404);
});

t.test('a large body is refused while it arrives, and the connection closed', async (t) => {
  const chunk = 'x'.repeat(1024 * 1024);
  const reply = await send('POST', '/cluster/create', { body: chunk.repeat(17) });
  t.equal(reply.status, 413);
  t.equal(reply.headers.connection, 'close');
  t.match(JSON.parse(reply.body), { code: 413, msg: /takes at most 1048576 \(1 MiB\)/, data: {} });
  const chunked = await send('POST', '/cluster/create', { chunks: Array(17).fill(chunk) });
  t.equal(chunked.status, 413);
  t.match(JSON.parse(chunked.body), { code: 413, msg: /^the body is too large, cluster.create takes/ });
  t.equal(services.last(inventory.createCluster), undefined);
});

t.test('a request that is not HTTP gets the envelope, too', async (t) => {
  const answer = await sendRaw('NONSENSE\r\n\r\n');
  t.match(answer, /^HTTP\/1.1 400 Bad Request\r\n/);
  t.strictSame(JSON.parse(answer.split('\r\n\r\n')[1] ?? ''), {
    code: 400,
    msg: 'the request is not valid HTTP',
    data: {},
    reason: reason('not_http'),
  });
  const long = await sendRaw(`GET /${'x'.repeat(200 * 1024)} HTTP/1.1\r\nHost: a\r\n\r\n`);
  t.match(long, /^HTTP\/1.1 431 /);
});

t.test('a request that Node would answer on its own, or not at all, gets the envelope, too', async (t) => {
  const envelopeOf = (answer: string) => JSON.parse(answer.split('\r\n\r\n')[1] ?? '');
  const nameless = await sendRaw('GET /cluster/list HTTP/1.1\r\n\r\n');
  t.match(nameless, /^HTTP\/1.1 400 /);
  t.strictSame(envelopeOf(nameless), {
    code: 400,
    msg: 'the header Host is missing',
    data: {},
    reason: reason('wrong_header'),
  });
  t.match(await sendRaw('GET /cluster/list HTTP/1.0\r\n\r\n'), /^HTTP\/1.1 200 /, 'HTTP/1.0 has none');
  for (const [target, hosts, why] of [
    ['/cluster/list', 'Host: a\r\nhost: b', /more than once/],
    ['/cluster/list', 'Host: [::1]evil.example', /must be a name or an address/],
    ['/cluster/list', 'Host:', /must be a name or an address/],
    ['http://evil.example/cluster/list', 'Host: a', /evil\.example, and the header Host a/],
  ] as const) {
    const answer = await sendRaw(`GET ${target} HTTP/1.1\r\n${hosts}\r\n\r\n`);
    t.match(answer, /^HTTP\/1.1 400 .*\r\ncache-control: no-store/is, hosts);
    t.match(envelopeOf(answer), { code: 400, msg: why });
  }
  const absolute = 'GET http://a/cluster/list HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
  t.match(await sendRaw(absolute), /^HTTP\/1.1 200 /, 'as proxies are asked');

  const tunnel = await sendRaw('CONNECT /cluster/list HTTP/1.1\r\nHost: a\r\n\r\n');
  t.match(tunnel, /^HTTP\/1.1 405 .*\r\nAllow: /s);
  t.match(tunnel, /\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n/);
  t.strictSame(envelopeOf(tunnel), {
    code: 405,
    msg: 'method not allowed',
    data: {},
    reason: reason('wrong_method'),
  });

  const expecting = await send('GET', '/cluster/list', { headers: { expect: 'a wonder' } });
  t.equal(expecting.status, 417);
  t.equal(expecting.headers['cache-control'], 'no-store');
  t.match(JSON.parse(expecting.body), { code: 417, msg: /Expect .*a wonder/, data: {} });
});

t.test('a body that is encoded on its way is refused, whatever header says so', async (t) => {
  const ask = (header: string) =>
    sendRaw(
      `POST /cluster/create HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${header}\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
    );
  t.match(await ask('Transfer-Encoding: gzip, chunked'), /the encoding gzip, which is not supported/);
  t.match(await ask('Transfer-Encoding: chunked\r\nContent-Encoding: br'), /the encoding br, which/);
  t.match(await ask('Transfer-Encoding: chunked\r\nContent-Encoding: '), /name is missing/);
});

t.test('thousands of addresses fit into a path', async (t) => {
  const ips = Array.from({ length: 4_000 }, (_, i) => `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`);
  const reply = await send('POST', `/pool/search_by_ip/${ips.join(',')}`);
  t.equal(Object.keys(JSON.parse(reply.body).data).length, 4_000);
});

t.test('a client that goes away in the middle of its request does no harm', async (t) => {
  const socket = connect(port, '127.0.0.1');
  socket.write('POST /cluster/create HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"name"');
  await new Promise<void>((resolve) => socket.end(resolve));
  t.match(JSON.parse((await send('GET', '/cluster/list')).body), { code: 0 });
});
