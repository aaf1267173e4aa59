import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '@rigel/testing';
import t from 'tap';
import { NodeProxy } from '../../support/proxy.js';
import { sharedRig } from '../../support/shared-rig.js';

t.test('why says that a connection is broken in the middle of a step, and forgets it', async (t) => {
  const rig = await sharedRig('one-system');
  const { api, fleet, sshd } = rig;
  const proxy = new NodeProxy(sshd.port);
  await proxy.open();
  t.teardown(() => proxy.cut());
  const nodes = [`127.0.0.1:${proxy.port}`];
  await fleet.pool(nodes);
  const template = await fleet.template({
    wait: { command: 'touch begun; while [ ! -e go ]; do sleep 0.1; done' },
  });
  const id = await fleet.startTask(template, nodes);
  const why = async (): Promise<string> => {
    const response = await api.fetch(`${api.url}/task/${id}/why`);
    return ((await response.json()) as { data: { text: string } }).data.text;
  };
  await waitFor(() => existsSync(join(sshd.home, 'begun')), { what: 'the command runs' });
  await waitFor(async () => !/the executor waits/.test(await why()), {
    what: 'nothing is said of the connection',
  });
  t.match(await why(), /attempt 1 of step wait\S* has been running/);
  await proxy.cut();
  await waitFor(async () => /the executor waits: it has no connection: /.test(await why()), {
    what: 'why says that there is no connection',
  });
  await proxy.open();
  await waitFor(async () => !/the executor waits/.test(await why()), { what: 'why says it no more' });
  await writeFile(join(sshd.home, 'go'), '');
  t.match(await fleet.ended(id), { state: 2 });
});
