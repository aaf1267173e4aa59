import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { startRig } from '../support/rig.js';
import { command } from './command.js';
import { endpoints } from './endpoints/index.js';
import { cases, type Outcome, runSuite } from './suite.js';

t.test('the real system', async (t) => {
  const rig = await startRig({ executors: 1 });
  t.teardown(() => rig.stop());
  const url = new URL(rig.stack.httpUrl);

  await t.test('every rule for every endpoint', async (t) => {
    const missing = new Set<string>();
    await runSuite(
      url,
      cases,
      ({ endpoint, rule, verdict, detail }: Outcome) => {
        if (verdict === 'missing') missing.add(endpoint);
        t.not(verdict, 'failed', `${endpoint}: ${rule}\n${detail}`);
      },
      { ca: rig.ca },
    );
    t.same(
      [...missing].filter((endpoint) => endpoint !== 'sample'),
      [],
      'everything is available',
    );
  });

  await t.test('the table holds every operation that the server documents', async (t) => {
    const { paths } = (await (await rig.api.fetch(`${rig.api.url}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, Operation>>;
    };
    const documented = Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations)
        .filter(([, operation]) => !answersWithoutEnvelope(operation))
        .map(([method]) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
    );
    const known = new Set(
      endpoints.flatMap(({ methods, paths }) =>
        paths.flatMap((path) => methods.map((method) => `${method} ${path}`)),
      ),
    );
    t.same(
      [...known].filter((operation) => !documented.includes(operation)),
      [],
      'everything that is tested is documented',
    );
    t.same(
      documented.filter((operation) => !known.has(operation)),
      [],
      'everything that is documented is tested',
    );
  });

  await t.test('the command, on a server that it has been run on before', async (t) => {
    const { status, output } = await command(
      [rig.stack.httpUrl, 'sample:', 'cluster.'],
      rig.stack.caFile === undefined ? {} : { NODE_EXTRA_CA_CERTS: rig.stack.caFile },
    );
    t.equal(status, 0, output);
    t.match(output, /\d+ passed, 0 failed, \d+ not available/);
  });
});

t.test('the command tells what is wrong with a server', async (t) => {
  const server = createServer((request, response) => {
    request.resume();
    response.setHeader('Content-Type', 'application/json; charset=utf-8');
    response.end('{"code": 0, "msg": "success", "data": null}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as AddressInfo;
  const { status, output } = await command([`http://127.0.0.1:${port}`, 'cluster.list', 'envelope']);
  t.equal(status, 1);
  t.match(
    output,
    /^FAILED cluster\.list: GET \/cluster\/list\nsent: {5}GET \/cluster\/list\nanswered: 200 /m,
  );
  t.match(output, /data must be an array, it is null/);
  t.match(output, /\d+ failed, 0 not available/);
});

t.test('wrong usage of the command', async (t) => {
  await refused(t, [], /the address of a server is missing/);
  await refused(t, ['somewhere'], /somewhere is not an address/);
  await refused(t, ['ftp://127.0.0.1'], /is not an address that begins with http/);
  await refused(t, ['http://127.0.0.1/api'], /must end after host and port/);
  await refused(t, ['http://127.0.0.1:1', 'nonsense'], /no endpoint or rule contains nonsense/);
  const somewhere = ['http://127.0.0.1:1'];
  await refused(t, somewhere, /are both set/, { RIGEL_TOKEN: 'rgl_1_a', RIGEL_TOKEN_FILE: 'token' });
  await refused(t, somewhere, /RIGEL_TOKEN_FILE is wrong: ENOENT/, { RIGEL_TOKEN_FILE: '/no/token' });
  const { status, output } = await command(['http://127.0.0.1:1']);
  t.equal(status, 2);
  t.match(output, /http:\/\/127\.0\.0\.1:1 does not answer/);
});

/** An operation as OpenAPI describes it. */
interface Operation {
  responses?: Record<string, { content?: Record<string, unknown> }>;
}

/** Events that come one after the other, and files, have no envelope. */
function answersWithoutEnvelope({ responses }: Operation): boolean {
  const types = Object.keys(responses?.['200']?.content ?? {});
  return types.length > 0 && !types.includes('application/json');
}

async function refused(
  t: Test,
  args: string[],
  reason: RegExp,
  env: Record<string, string> = {},
): Promise<void> {
  const { status, output } = await command(args, env);
  t.equal(status, 2, args.join(' '));
  t.match(output, reason);
  t.match(output, /pnpm conformance <http:\/\/host:port>/);
}
