import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { inventory } from '@rigel/contracts';
import { waitFor } from '@rigel/testing';
import t, { type Test } from 'tap';
import { reason } from '../answer/reason.js';
import type { AppSettings } from '../app.js';
import { endpoints } from '../routes/index.js';
import { answerEverything } from '../testing/answers.js';
import { startTestGateway } from '../testing/gateway.js';
import { bodyLimitsOf } from './body-limits.js';

/*
 * How large a request may be, and what becomes of larger ones, on real connections.
 */

const MIB = 1024 * 1024;

async function start(t: Test, settings: Partial<AppSettings> = {}) {
  const gateway = await startTestGateway({ settings });
  t.teardown(() => gateway.stop());
  answerEverything(gateway.services);
  await gateway.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = gateway.app.server.address() as AddressInfo;
  /** A connection, and what has come back on it so far. */
  const open = async (head: string) => {
    const socket: Socket = connect(port, '127.0.0.1');
    t.teardown(() => socket.destroy());
    const received = { text: '' };
    socket.on('error', () => undefined);
    socket.setEncoding('utf8').on('data', (text: string) => {
      received.text += text;
    });
    await once(socket, 'connect');
    socket.write(`${head}\r\nHost: localhost\r\n`);
    return { socket, received };
  };
  const { app } = gateway;
  const addNodes = (bytes: number, headers: Record<string, string> = {}) =>
    app.inject({
      method: 'POST',
      url: '/pool/4/add_nodes',
      headers,
      payload: padded('{"nodes": ["10.0.0.7"]}', bytes),
    });
  return { ...gateway, open, addNodes };
}

const padded = (json: string, bytes: number): string => json + ' '.repeat(bytes - json.length);

/** The envelope of an answer, as soon as all of it is there. */
function envelopeIn({
  text,
}: {
  text: string;
}): { status: number; json: Record<string, unknown> } | undefined {
  const [, status, length] = /^HTTP\/1\.1 (\d+) .*\r\ncontent-length: (\d+)\r\n/is.exec(text) ?? [];
  const body = text.slice(text.indexOf('\r\n\r\n') + 4);
  if (length === undefined || Buffer.byteLength(body) < Number(length)) return undefined;
  return { status: Number(status), json: JSON.parse(body) };
}

t.test('each endpoint reads a body as large as it takes, and not one byte more', async (t) => {
  const { app } = await start(t);
  // A stream that has begun has no end to wait for.
  for (const endpoint of endpoints.filter(({ streamsOnly }) => !streamsOnly)) {
    const { bytes } = bodyLimitsOf(endpoint);
    const url = (endpoint.paths[0] ?? '').replaceAll(/:\w+/g, '7');
    const method = endpoint.methods[0] ?? 'GET';
    const send = (size: number) => app.inject({ method, url, payload: padded('{}', size) });
    t.not((await send(bytes)).statusCode, 413, `${endpoint.id} with ${bytes} bytes`);
    const over = await send(bytes + 1);
    t.match(over.json(), {
      code: 413,
      msg: new RegExp(`^the body has ${bytes + 1} bytes, ${endpoint.id} takes at most ${bytes} `),
    });
  }
});

t.test(
  'limits of endpoints: small for reads, larger for writes, largest for long lists of nodes',
  async (t) => {
    const taking = (bytes: number) =>
      endpoints.filter((endpoint) => bodyLimitsOf(endpoint).bytes === bytes).map(({ id }) => id);
    t.strictSame(taking(16 * MIB).sort(), [
      'node.label',
      'pool.add_nodes',
      'task.create',
      'task.preview',
      'task.run',
      'task.run_preview',
    ]);
    t.strictSame(
      taking(MIB).filter((id) => endpoints.find((endpoint) => endpoint.id === id)?.access === 'read'),
      [
        'pool.search_by_ip',
        'node.find',
        'template.check',
        'task.start_preview',
        'pool.shrink_preview',
        'task.save_task_preview',
      ],
    );
    t.equal(taking(16 * MIB).length + taking(MIB).length + taking(64 * 1024).length, endpoints.length);
  },
);

t.test('a body that is announced to be too large is refused before it comes', async (t) => {
  const { open, services } = await start(t);
  services.forget();
  const { socket, received } = await open('POST /cluster/list HTTP/1.1');
  socket.write('Content-Length: 15142857\r\n\r\n{"k0":1');
  const { status, json } = await waitFor(() => envelopeIn(received), { what: 'the answer' });
  t.equal(status, 413);
  t.strictSame(json, {
    code: 413,
    msg:
      'the body has 15142857 bytes, cluster.list takes at most 65536 (64 KiB): leave out what it does not read, or send it in ' +
      'several requests',
    data: {},
    reason: reason('body_too_large'),
  });
  t.match(received.text, /^connection: close\r$/im);
  t.match(received.text, /^x-correlation-id: /im);
  t.strictSame(services.asked, [], 'nobody was asked');
});

t.test('a body without an announced size is refused as soon as it is too large', async (t) => {
  const { open } = await start(t);
  const { socket, received } = await open('POST /cluster/list HTTP/1.1');
  const chunk = 'x'.repeat(32 * 1024);
  socket.write('Transfer-Encoding: chunked\r\n\r\n');
  for (let n = 0; n < 3; n++) socket.write(`${chunk.length.toString(16)}\r\n${chunk}\r\n`);
  const { status, json } = await waitFor(() => envelopeIn(received), { what: 'the answer' });
  t.equal(status, 413);
  t.match(json, { msg: /^the body is too large, cluster.list takes at most 65536/ });
});

t.test('a hundred thousand nodes are entered at once; more members and elements are refused', async (t) => {
  const { app, services } = await start(t);
  const nodes = Array.from({ length: 100_000 }, (_, n) => ({
    ip: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`,
  }));
  const create = (nodes: unknown) =>
    app.inject({
      method: 'POST',
      url: '/task/create',
      payload: JSON.stringify({ template_id: 1, task_name: 'x', nodes }),
    });
  t.equal((await create(nodes)).statusCode, 200);
  services.forget();
  t.match((await create([...nodes, ...nodes])).json(), {
    code: 413,
    msg: /^the body has more than 210000 members and elements: leave out/,
  });
  t.strictSame(services.asked, []);
});

t.test('a million keys, a million pairs and endless nesting are counted before they are made', async (t) => {
  const { app } = await start(t);
  const send = async (url: string, payload: string) =>
    (await app.inject({ method: 'POST', url, payload })).json();
  const keys = `{${Array.from({ length: 1_250_000 }, (_, n) => `"k${n}":1`).join()}}`;
  t.match(await send('/task/create', keys), { code: 413, msg: /more than 210000 members/ });
  t.match(await send('/task/create', 'a=1&'.repeat(1_000_000)), { code: 413, msg: /more than 210000 pairs/ });
  t.match(await send('/cluster/list', `{"a":[${'1,'.repeat(1_000)}1]}`), { code: 413, msg: /1000 members/ });
  t.match(await send('/cluster/list', `{"id":${'['.repeat(30_000)}${']'.repeat(30_000)}}`), {
    code: 413,
    msg: 'the body is nested more than 65 levels deep',
    data: {},
  });
  t.match((await app.inject(`/cluster/list?${'a&'.repeat(1_000)}page=1`)).json(), {
    code: 413,
    msg: /1000 pairs/,
  });
});

t.test('pools are looked for by fifty thousand addresses at once, each once', async (t) => {
  const { app, services } = await start(t);
  const search = (count: number) => {
    const ips = Array.from({ length: count }, (_, n) => `10.0.${n >> 8}.${n & 255}`);
    return app.inject({
      method: 'POST',
      url: '/pool/search_by_ip',
      payload: { iplist: `${ips.join()},${ips[0]}` },
    });
  };
  t.equal(Object.keys((await search(50_000)).json().data).length, 50_000);
  const { ips = [] } = (services.last(inventory.findPools)?.data ?? {}) as { ips?: string[] };
  t.equal(ips.length, 50_000);
  t.match((await search(50_001)).json(), {
    code: 400,
    msg: /iplist has 50001 addresses, more than 50000: ask/,
  });
});

t.test(
  'a client has room for one of the largest bodies; others go on, and so do its small ones',
  async (t) => {
    const { app, services, addNodes } = await start(t);
    let answer: () => void = () => undefined;
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    services.on(inventory.addNodes, async () => {
      await answered;
      return { ids: [41] };
    });
    const first = addNodes(10 * MIB);
    await waitFor(() => services.last(inventory.addNodes) !== undefined, { what: 'the first is under way' });
    const second = await addNodes(10 * MIB);
    t.equal(second.statusCode, 503);
    t.equal(second.headers['retry-after'], '1');
    t.strictSame(second.json(), {
      code: 503,
      msg:
        'the bodies of address 127.0.0.1 that are under way would have more than 16 MiB together (RIGEL_HTTP_BODIES_PER_CLIENT): ' +
        'send one after the other',
      data: {},
      reason: reason('busy'),
    });
    const small = await app.inject({
      method: 'POST',
      url: '/cluster/list',
      payload: padded('{"page": 2}', 16 * 1024),
    });
    t.match(small.json(), { code: 0, page: 2 });
    const other = app.inject({
      method: 'POST',
      url: '/pool/4/add_nodes',
      payload: padded('{"nodes": ["10.0.0.8"]}', 10 * MIB),
      remoteAddress: '10.0.0.9',
    });
    answer();
    t.equal((await other).statusCode, 200);
    t.equal((await first).statusCode, 200);
    t.equal((await addNodes(10 * MIB)).statusCode, 200, 'it has room again');
  },
);

t.test('all clients together have so much room, wherever they come from', async (t) => {
  const { services, addNodes } = await start(t, {
    RIGEL_HTTP_BODIES: 20 * MIB,
    RIGEL_HTTP_TRUST_PROXY: '127.0.0.1',
  });
  let answer: () => void = () => undefined;
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  services.on(inventory.addNodes, async () => {
    await answered;
    return { ids: [41] };
  });
  const first = addNodes(12 * MIB, { 'x-forwarded-for': '10.0.0.1' });
  await waitFor(() => services.last(inventory.addNodes) !== undefined, { what: 'the first is under way' });
  t.match((await addNodes(12 * MIB, { 'x-forwarded-for': '10.0.0.2' })).json(), {
    code: 503,
    msg: /^the bodies that are under way here would have more than 20 MiB together \(RIGEL_HTTP_BODIES\): try again/,
  });
  answer();
  t.equal((await first).statusCode, 200);
});

t.test('a client that goes away in the middle of a large body gives its room back', async (t) => {
  const { app, open, addNodes } = await start(t);
  for (let round = 0; round < 3; round++) {
    const arrived = once(app.server, 'request');
    const { socket } = await open('POST /pool/4/add_nodes HTTP/1.1');
    socket.write(`Content-Length: ${16 * MIB}\r\n\r\n{"nodes"`);
    await arrived;
    t.equal((await addNodes(MIB)).statusCode, 503, 'it has all the room');
    socket.destroy();
    await waitFor(async () => (await addNodes(MIB)).statusCode === 200, { what: 'there is room again' });
  }
});
