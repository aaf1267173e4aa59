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

/** The answer when it says what it should: one counts for a moment. */
const readyAs = (what: string, is: (answer: Awaited<ReturnType<typeof ready>>) => boolean) =>
  waitFor(
    async () => {
      const answer = await ready();
      return is(answer) ? answer : undefined;
    },
    { what, timeoutMs: 30_000 },
  );

t.test('alive, whatever else is missing', async (t) => {
  const response = await app.inject('/healthz');
  t.equal(response.statusCode, 200);
  t.strictSame(response.json(), { code: 0, msg: 'success', data: {} });
});

t.test('not ready while no service answers', async (t) => {
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
  t.strictSame(await readyAs('ready', ({ status }) => status === 200), {
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

t.test('the answer names the faults', async (t) => {
  say('catalog', { nats: 'ok', database: 'it says "no"' });
  t.strictSame(await readyAs('not ready', ({ status }) => status === 503), {
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
      reason: { code: 'unavailable', field: null, value: null, data: {} },
    },
  });
});

t.test('alive without NATS, and ready again when it is back', async (t) => {
  say('catalog', { database: 'ok' });
  await servers.stopNats();
  await readyAs('not ready', ({ json }) => json.data.nats === 'NATS does not answer');
  t.equal((await app.inject('/healthz')).statusCode, 200);
  await servers.startNats();
  await readyAs('ready again', ({ status }) => status === 200);
});

t.test('a flood of questions is one question to each service', async (t) => {
  let asked = 0;
  let answer: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    answer = resolve;
  });
  services.on(health('catalog'), async () => {
    asked++;
    await held;
    return { name: 'catalog', checks: { database: 'ok' } };
  });
  // Until what was asked before counts no more.
  const flood: ReturnType<typeof ready>[] = [];
  await waitFor(
    () => {
      flood.push(ready());
      return asked > 0;
    },
    { what: 'it is asked', timeoutMs: 30_000 },
  );
  for (let n = 0; n < 500; n++) flood.push(ready());
  answer();
  t.match(await Promise.all(flood), Array(flood.length).fill({ status: 200 }));
  t.equal(asked, 1);
});
