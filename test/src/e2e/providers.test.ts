import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SERVICE_PORT } from '@rigel/local';
import { askOnce } from '@rigel/providers/testing';
import { waitFor } from '@rigel/testing';
import t from 'tap';
import { loopbackNodes, uniqueName } from '../support/fleet.js';
import { startRig } from '../support/rig.js';

/** A service on a machine; it answers with the machine's id. */
const SERVICE = `cat > service.cjs <<'END'
require('node:http').createServer((_, response) => response.end(process.env.RIGEL_MACHINE))
  .listen(${SERVICE_PORT}, process.env.RIGEL_MACHINE_IP);
END
nohup ${process.execPath} service.cjs > service.log 2>&1 &
sleep 1; kill -0 $!`;

t.test(
  'one run makes a machine, starts a service on it, puts it behind nginx, and takes all of it back',
  { skip: process.platform === 'linux' ? false : 'needs loopback addresses' },
  async (t) => {
    const rig = await startRig();
    t.teardown(() => rig.stop());
    const { api, fleet, machines, stack } = rig;
    const balancer = stack.balancerUrl;
    if (balancer === undefined) t.comment('without nginx, which is not installed');

    const remote = async (label: string, command: string): Promise<string> => {
      const name = uniqueName(label);
      const actionId = await api.ok<number>('/action/create', { name, desc: '', params: {} });
      const template = { action: { module: 'longscript', content: command } };
      await api.ok('/actimpl/create', { type: 'ansible', action_id: actionId, template });
      await api.ok('/remote_step/create', { name, desc: '', actions: [name] });
      return name;
    };
    const retry = { retry_times: 0, ignore_error: false };
    const vm = (name: string) => ({ name, param_values: { vm_type_id: 1 }, retry });
    const sd = (name: string) =>
      balancer === undefined ? [] : [{ name, param_values: { service_discovery_id: '1' }, retry }];
    const serve = await remote('serve', SERVICE);
    const wait = await remote('wait', 'until [ -e go-on ]; do sleep 0.1; done');
    const templateId = await api.ok<number>('/task_tpl/create', {
      name: uniqueName('template'),
      desc: '',
      steps: [
        vm('create_vm'),
        { name: serve, param_values: {}, retry },
        ...sd('register'),
        { name: wait, param_values: {}, retry },
        ...sd('unregister'),
        vm('return_vm'),
      ],
    });
    const nodes = loopbackNodes(1, 1);
    await fleet.pool(nodes);
    const id = await fleet.startTask(templateId, nodes);
    const [machine] = await waitFor(
      async () => {
        const found = await machines.list();
        return found.length > 0 ? found : undefined;
      },
      { what: 'a machine', timeoutMs: 60_000 },
    );
    if (!machine) throw new Error('there is no machine');
    if (balancer !== undefined) {
      await waitFor(async () => (await askOnce(balancer)).text === machine.vmId, {
        what: 'the service behind nginx',
        timeoutMs: 60_000,
      });
    }
    await writeFile(join(machines.folder, 'machines', machine.vmId, 'home', 'go-on'), '');
    const task = await fleet.ended(id);
    t.equal(task.state, 2, JSON.stringify(await api.ok(`/task/${id}/detail`)));
    t.same(await machines.list(), [], 'the machine is gone');
    if (balancer !== undefined) t.not((await askOnce(balancer)).status, 200);
  },
);
