import t from 'tap';
import { RunUnderTest, startCloud } from '../testing/provider-runners.js';

const cloud = await startCloud();
t.teardown(() => cloud.stop());
const { server } = cloud;
process.env.TEST_APP_KEY = 'a-secret';
const entries = (more: object = {}) => ({
  sd: { 1: { adapter: 'rest', url: cloud.url, app_key: { env: 'TEST_APP_KEY' }, ...more } },
});
const node = { ip: '10.0.0.5:2222' };

t.test('an asynchronous change is followed to its end', async (t) => {
  const { report, output } = await new RunUnderTest('register', entries(), { node }).run();
  t.match(report.result, { status: 'succeeded', reason: '' });
  t.ok(server.registered.has('10.0.0.5'));
  t.match(output, /waiting: sd 1 \(rest\): the discovery service to finish the change/);
  t.notMatch(output, /a-secret/);
  t.same([...server.keys], ['a-secret']);
  const out = await new RunUnderTest('unregister', entries(), { node }).run();
  t.match(out.report.result, { status: 'succeeded' });
  t.notOk(server.registered.has('10.0.0.5'));
});

t.test('a synchronous change is done at once', async (t) => {
  server.asyncQuestions = 0;
  const { report } = await new RunUnderTest('register', entries(), { node }).run();
  t.match(report.result, { status: 'succeeded' });
  t.ok(server.registered.has('10.0.0.5'));
  server.asyncQuestions = 2;
});

t.test('failures have reasons', async (t) => {
  server.registrationFails = true;
  const failed = await new RunUnderTest('register', entries(), { node }).run();
  t.match(failed.report.result, { status: 'failed', reason: /failed \(state 3\)/ });
  server.registrationFails = false;
  const refused = await new RunUnderTest('register', entries({ type_id: 404 }), { node }).run();
  t.match(refused.report.result, { status: 'failed', reason: /no such type/ });
  const early = await new RunUnderTest('register', entries()).run();
  t.match(early.report.result, { status: 'failed', reason: 'the node has no address yet' });
});

t.test('a service that is away is waited for until the time is up', async (t) => {
  const away = { sd: { 1: { adapter: 'rest', url: 'http://127.0.0.1:1' } } };
  const { report } = await new RunUnderTest('register', away, { node }).run({ timeout_ms: 1_000 });
  t.match(report.result, {
    status: 'failed',
    reason: /longer than 1 s, waiting: .*not reached \(ECONNREFUSED\)/,
  });
});
