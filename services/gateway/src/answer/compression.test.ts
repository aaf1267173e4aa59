import { gunzipSync } from 'node:zlib';
import { inventory } from '@rigel/contracts';
import t from 'tap';
import { startTestGateway } from '../testing/gateway.js';

const gateway = await startTestGateway();
t.teardown(() => gateway.stop());
const cluster = (id: number) => ({ id, name: `cluster ${id}`, desc: 'a'.repeat(20), biz: '1' });
let rows = 100;
gateway.services.on(inventory.listClusters, () => ({
  rows: Array.from({ length: rows }, (_, index) => cluster(index + 1)),
  total: rows,
}));

const list = (headers: Record<string, string>) =>
  gateway.app.inject({ method: 'GET', url: '/cluster/list?page_size=100', headers });

t.test('a large answer is compressed for who accepts it, and says the same', async (t) => {
  const plain = await list({});
  t.equal(plain.headers['content-encoding'], undefined);
  const packed = await list({ 'accept-encoding': 'br;q=1.0, gzip;q=0.8, *;q=0.1' });
  t.equal(packed.headers['content-encoding'], 'gzip');
  t.match(packed.headers.vary, /accept-encoding/i);
  t.strictSame(JSON.parse(gunzipSync(packed.rawPayload).toString()), plain.json());
  t.ok(packed.rawPayload.length < plain.rawPayload.length / 4);
});

t.test('a small one is not, and nobody is forced to take one', async (t) => {
  t.equal((await list({ 'accept-encoding': 'gzip;q=0' })).headers['content-encoding'], undefined);
  t.equal((await list({ 'accept-encoding': 'identity' })).headers['content-encoding'], undefined);
  rows = 1;
  t.equal((await list({ 'accept-encoding': 'gzip' })).headers['content-encoding'], undefined);
});

t.test('every answer says what time it is here', async (t) => {
  for (const url of ['/cluster/list', '/no/such/address', '/healthz']) {
    const before = Date.now();
    const { headers } = await gateway.app.inject({ method: 'GET', url });
    const time = Number(headers['x-rigel-time']);
    t.ok(time >= before && time <= Date.now(), url);
  }
});
