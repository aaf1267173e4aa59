import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ApiError, createClient, once, unwrap } from '@rigel/api-client';
import { waitFor } from '@rigel/testing';
import t from 'tap';
import { loopbackHosts, uniqueName } from '../../support/fleet.js';
import type { Rig } from '../../support/rig.js';
import { sharedRig } from '../../support/shared-rig.js';

t.test('the generated types are those of the committed description', async (t) => {
  const folder = fileURLToPath(new URL('../../../../packages/api-client/', import.meta.url));
  t.doesNotThrow(
    () =>
      execFileSync(
        'node_modules/.bin/openapi-typescript',
        ['../../docs/openapi.json', '--default-non-nullable=false', '--output', 'src/schema.ts', '--check'],
        { cwd: folder, stdio: 'pipe' },
      ),
    'pnpm openapi writes them',
  );
});

t.test('one whole task by the typed client', async (t) => {
  const rig = await sharedRig('one-system');
  const client = createClient(rig.api.url, {
    operator: 'ann',
    ...(rig.ca === undefined ? {} : { fetch: trusting(rig) }),
  });
  const name = uniqueName('client');
  const [host = ''] = loopbackHosts(1, 300);
  const address = `${host}:${rig.sshd.port}`;

  const named = { body: { name, desc: '', biz: '1' }, ...once('a "key" of ann') };
  const cluster = await unwrap(client.POST('/cluster/create', named));
  t.equal(await unwrap(client.POST('/cluster/create', named)), cluster, 'the same call makes nothing more');
  await t.rejects(
    unwrap(client.POST('/cluster/create', { ...named, body: { name: `${name}2`, desc: '', biz: '1' } })),
    { name: 'ApiError', code: 409 },
  );
  const service = await unwrap(
    client.POST('/service/create', {
      body: { name, desc: '', service_type: 'Java', docker_image: '-', cluster_id: cluster },
    }),
  );
  const pool = await unwrap(
    client.POST('/pool/create', { body: { name, desc: '', vm_type: 1, sd_id: 1, service_id: service.id } }),
  );
  await unwrap(
    client.POST('/pool/{id}/add_nodes', { params: { path: { id: pool.id } }, body: { nodes: [address] } }),
  );

  const action = await unwrap(
    client.POST('/action/create', { body: { name, desc: '', params: { word: 'string' } } }),
  );
  await unwrap(
    client.POST('/actimpl/create', {
      body: {
        type: 'ansible',
        action_id: action,
        template: { action: { module: 'shell', args: 'echo {{word}}' } },
      },
    }),
  );
  await unwrap(client.POST('/remote_step/create', { body: { name, desc: '', actions: [name] } }));
  const template = await unwrap(
    client.POST('/task_tpl/create', {
      body: { name, desc: '', steps: [{ name, param_values: { word: 'hello' }, retry: {} }] },
    }),
  );

  const { data, response } = await client.POST('/task/create', {
    body: { template_id: template, task_name: name, nodes: [{ ip: address }] },
  });
  t.equal(data?.code, 0);
  const id = Number(response.headers.get('x-task-id'));
  const path = { params: { path: { id } } };
  const task = await waitFor(
    async () => {
      const answer = await unwrap(client.POST('/task/{id}', path));
      const [row] = [answer].flat();
      return row !== undefined && row.end_reason !== '' ? row : undefined;
    },
    { what: 'the task ends', timeoutMs: 60_000, intervalMs: 100 },
  );
  t.match(task, { state: 2, end_reason: 'completed', opr_user: 'ann', stat: [0, 0, 1, 0, 0] });
  const lines = await unwrap(client.POST('/task/{id}/log', path));
  t.ok(lines.length > 3);
  const runs = await unwrap(client.POST('/task/{id}/detail', path));
  const run = Array.isArray(runs) ? runs[0] : undefined;
  const log = await unwrap(
    client.POST('/task/node/{nsid}/log', { params: { path: { nsid: run?.id ?? 0 } } }),
  );
  t.strictSame(log, [{ [name]: 'hello\n' }]);

  await t.rejects(unwrap(client.POST('/task/{id}', { params: { path: { id: id + 1 } } })), {
    name: 'ApiError',
    code: 400,
    message: `flow not found id ${id + 1}`,
  });
  const elsewhere = createClient(rig.api.url, {
    fetch: async () =>
      new Response('<h1>no API</h1>', { status: 502, headers: { 'content-type': 'text/html' } }),
  });
  await t.rejects(unwrap(elsewhere.GET('/cluster/list')), ApiError);
});

/** For a system whose certificates are of an authority of its own. */
function trusting({ api }: Rig) {
  return async (request: Request): Promise<Response> => {
    const body = await request.text();
    const { method, url, headers } = request;
    return api.fetch(url, { method, headers: [...headers], ...(body === '' ? {} : { body }) });
  };
}
