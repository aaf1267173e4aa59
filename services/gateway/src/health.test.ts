import { health, SERVICES } from '@rigel/contracts';
import { waitFor } from '@rigel/testing';
import t from 'tap';
import { startTestGateway } from './testing/gateway.js';

const { app, services, servers, stop } = await startTestGateway();
t.teardown(stop);

function say(service: (typeof SERVICES)[number], checks: Record<string, string>): void {
  services.on(health(service), () => ({ name: service, checks }));
}

async function ready() {
  const response = await app.inject('/readyz');
  return { status: response.statusCode, json: response.json() };
}

t.test('alive, whatever else is missing', async (t) => {
  const response = await app.inject('/healthz');
  t.equal(response.statusCode, 200);
  t.strictSame(response.json(), { code: 0, msg: 'success', data: {} });
});

t.test('not ready while nobody answers', async (t) => {
  const { status, json } = await ready();
  t.equal(status, 503);
  t.match(json, {
    code: 503,
    msg: /^not ready: /,
    data: {
      nats: 'ok',
      database: 'no service says how it is',
      scheduler: 'rigel.scheduler.health does not answer',
    },
  });
});

t.test('ready when every part is', async (t) => {
  for (const service of SERVICES) {
    say(service, service === 'executor' ? { nats: 'ok' } : { nats: 'ok', database: 'ok' });
  }
  t.strictSame(await ready(), {
    status: 200,
    json: {
      code: 0,
      msg: 'success',
      data: {
        nats: 'ok',
        database: 'ok',
        inventory: 'ok',
        catalog: 'ok',
        scheduler: 'ok',
        executor: 'ok',
        access: 'ok',
      },
    },
  });
});

t.test('says what is wrong', async (t) => {
  say('catalog', { nats: 'ok', database: 'it says "no"' });
  t.strictSame(await ready(), {
    status: 503,
    json: {
      code: 503,
      msg: "not ready: database: it says 'no'; catalog: database: it says 'no'",
      data: {
        nats: 'ok',
        database: 'it says "no"',
        inventory: 'ok',
        catalog: 'database: it says "no"',
        scheduler: 'ok',
        executor: 'ok',
        access: 'ok',
      },
    },
  });
});

t.test('alive without NATS, and ready again when it is back', async (t) => {
  say('catalog', { database: 'ok' });
  await servers.stopNats();
  const { status, json } = await ready();
  t.equal(status, 503);
  t.equal(json.data.nats, 'NATS does not answer');
  t.equal((await app.inject('/healthz')).statusCode, 200);
  await servers.startNats();
  await waitFor(async () => (await ready()).status === 200, { what: 'ready again', timeoutMs: 30_000 });
});
