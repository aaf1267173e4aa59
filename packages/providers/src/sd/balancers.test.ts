import { randomInt } from 'node:crypto';
import { findFreePort } from '@rigel/local-servers';
import tap from 'tap';
import type { ProviderEntry } from '../provider-entry.js';
import type { SdProvider } from '../sd-provider.js';
import { isRegistered, makeChange } from '../testing/changes.js';
import {
  askOnce,
  type LoadBalancer,
  readEntries,
  type StartedBalancer,
  startClients,
  startHttpNode,
  startTestHaproxy,
  startTestNginx,
} from '../testing/index.js';

/* What holds for every load balancer: tried on a real nginx and a real HAProxy. */

/** An executor of its own: it shares nothing with others but the load balancer. */
function executor(balancer: LoadBalancer, port: number, more: object = {}): ProviderEntry<SdProvider> {
  const { sd } = readEntries({ sd: { 1: { ...balancer.entry, port, ...more } } });
  const entry = sd.get(1);
  if (!entry) throw new Error('there is no entry');
  return entry;
}

function balancerTests(name: string, start: () => Promise<StartedBalancer>): void {
  tap.test(name, { skip: process.platform === 'linux' ? false : 'needs loopback addresses' }, async (t) => {
    const balancer = await start();
    if ('missing' in balancer) {
      t.comment(`left out: ${balancer.missing}`);
      return;
    }
    t.teardown(() => balancer.stop());
    const port = await findFreePort('127.0.0.1');
    const net = `127.${randomInt(16, 240)}.${randomInt(1, 250)}`;
    const address = (node: number): string => `${net}.${node}:2222`;
    const nodeAt = async (t: Pick<typeof tap, 'teardown'>, node: number) => {
      const started = await startHttpNode({ host: `${net}.${node}`, port, name: `node-${node}`, delayMs: 5 });
      t.teardown(() => started.stop());
      return started;
    };
    const first = executor(balancer, port);
    const second = executor(balancer, port);

    await t.test('a node is in service after register, and out of it after unregister', async (t) => {
      await nodeAt(t, 1);
      t.not((await askOnce(balancer.url)).status, 200);
      await makeChange(first, 'register', address(1));
      t.equal(await isRegistered(second, address(1)), true);
      t.match(await askOnce(balancer.url), { status: 200, text: 'node-1' });
      await makeChange(first, 'register', address(1));
      await makeChange(second, 'unregister', address(1));
      t.equal(await isRegistered(first, address(1)), false);
      t.not((await askOnce(balancer.url)).status, 200);
      await makeChange(second, 'unregister', address(1));
    });

    await t.test('a node is unregistered only when its last request is done', async (t) => {
      const nodes = [await nodeAt(t, 2), await nodeAt(t, 3)];
      await makeChange(first, 'register', address(2));
      const slow = askOnce(`${balancer.url}/slow`);
      await makeChange(first, 'register', address(3));
      await new Promise((resolve) => setTimeout(resolve, 200));
      const waits = await makeChange(first, 'unregister', address(2));
      t.ok(waits.length > 0, `waited for ${waits[0]}`);
      t.equal(nodes[0]?.served, 1);
      t.match(await slow, { status: 200, text: 'node-2' });
      await makeChange(first, 'unregister', address(3));
    });

    await t.test("executors do not lose each other's changes", async (t) => {
      // More than a load balancer's control socket takes at once.
      const nodes = Array.from({ length: 40 }, (_, index) => index + 100);
      const changes = nodes.map((node, index) =>
        makeChange(index % 2 ? first : second, 'register', address(node)),
      );
      await Promise.all(changes);
      for (const node of nodes) t.equal(await isRegistered(first, address(node)), true, address(node));
      await Promise.all(
        nodes.map((node, index) => makeChange(index % 2 ? second : first, 'unregister', address(node))),
      );
      for (const node of nodes) t.equal(await isRegistered(first, address(node)), false, address(node));
    });

    await t.test('clients see no failed request while nodes come and go', async (t) => {
      await nodeAt(t, 40);
      await makeChange(first, 'register', address(40));
      const clients = startClients(balancer.url, 4);
      for (let round = 0; round < 4; round++) {
        const node = await startHttpNode({ host: `${net}.41`, port, name: 'node-41', delayMs: 5 });
        await makeChange(round % 2 ? first : second, 'register', address(41));
        await new Promise((resolve) => setTimeout(resolve, 100));
        await makeChange(round % 2 ? second : first, 'unregister', address(41));
        await node.stop();
      }
      const report = await clients.stop();
      t.same(report.failures, []);
      t.ok((report.answers.get('node-41') ?? 0) > 0, `of ${report.requests} requests`);
      await makeChange(first, 'unregister', address(40));
    });
  });
}

balancerTests('nginx', startTestNginx);
balancerTests('HAProxy', startTestHaproxy);
