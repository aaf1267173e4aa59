import { waitFor } from '@rigel/testing';
import t from 'tap';
import { Fleet, loopbackNodes } from '../support/fleet.js';
import { startRig } from '../support/rig.js';
import { looksRight, openings, openPage, startBrowser } from './browser.js';

/* Labels: they are seen, filter nodes, are changed on many at once, and choose the nodes of a task. */

const rig = await startRig({ executors: 1, fastDatabase: true });
const browser = await startBrowser();
t.teardown(async () => {
  await browser.close();
  await rig.stop();
});
const console = `${rig.stack.httpUrl}/console/`;
const api = rig.api;
const fleet = new Fleet(api);
const nodes = loopbackNodes(6, rig.sshd.port);
const { poolId, nodeIds } = await fleet.pool(nodes);
await api.ok('/node/label', { nodes: nodes.slice(0, 3), set: { zone: 'a', 'example.com/rack': '7' } });
await api.ok('/node/label', { nodes: nodes.slice(3), set: { zone: 'b' } });
await api.ok('/node/label', { nodes: [nodes[0]], set: { canary: '' } });
const greet = await fleet.template({ greet: { command: 'echo hello' } });

async function labelsOf(id: number | undefined): Promise<Record<string, string>> {
  const { data } = await api.call<{ labels: Record<string, string> }>(`/node/${id}`, undefined, 'GET');
  return data.labels;
}

t.test('nodes are filtered by a selector, which is in the address, and changed together', async (t) => {
  const { page, faults, close } = await openPage(browser, `${console}nodes?labels=zone%3Da%2C!canary`);
  await page.getByText('2 nodes match').waitFor();
  await page.getByRole('button', { name: 'Remove the filter Labels: zone=a,!canary' }).waitFor();
  t.equal(await page.getByRole('textbox', { name: 'Labels' }).inputValue(), 'zone=a,!canary');
  await page.getByRole('textbox', { name: 'Labels' }).fill('zone in (b)');
  await page.getByText('3 nodes match').waitFor();
  t.match(new URL(page.url()).searchParams.get('labels'), 'zone in (b)');

  await page.getByRole('button', { name: /Select all 3/ }).click();
  await page.getByRole('button', { name: 'Labels…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Labels of 3 nodes' });
  await dialog.getByText('zone=b · 3').waitFor();
  await dialog.getByRole('textbox', { name: 'Set' }).fill('role=web tier=a b=c=d');
  await dialog.getByRole('button', { name: 'Change 3 nodes' }).click();
  await dialog
    .getByText(/“c=d” does not have the right form/)
    .first()
    .waitFor();
  await dialog.getByRole('textbox', { name: 'Set' }).fill('role=web tier=front');
  await dialog.getByText('Remove zone').click();
  await dialog.getByRole('button', { name: 'Change 3 nodes' }).click();
  await dialog.waitFor({ state: 'detached' });
  t.strictSame(await labelsOf(nodeIds[4]), { role: 'web', tier: 'front' });
  await page.getByText('No node matches these filters.').waitFor();

  await page.getByRole('textbox', { name: 'Labels' }).fill('zone in');
  await page.getByText(/at character 8: values in brackets must stand here/).waitFor();
  await page.getByRole('textbox', { name: 'Labels' }).fill('role');
  await page.getByText('3 nodes match').waitFor();
  t.strictSame(
    faults.filter((fault) => !/status of 400/.test(fault)),
    [],
  );
  await close();
});

t.test('a node shows its labels, each leads to the nodes that have it', async (t) => {
  const { page, faults, close } = await openPage(browser, `${console}node/${nodeIds[0]}`);
  await page.getByRole('link', { name: 'example.com/rack=7' }).click();
  await page.getByText('3 nodes match').waitFor();
  t.strictSame(faults, []);
  await close();
});

t.test('a task is made over the nodes that labels select, and keeps the selection', async (t) => {
  const { page, faults, close } = await openPage(browser, `${console}tasks/new?template=${greet}&by=labels`);
  await page.getByRole('textbox', { name: 'Labels' }).fill('zone=a');
  await page.getByText('3 nodes match now').waitFor();
  await page.getByRole('textbox', { name: 'Only the first' }).fill('2');
  await page.getByRole('textbox', { name: 'Order' }).fill('label:canary');
  await waitFor(async () => /order=label/.test(page.url()), { what: 'the address has the form' });
  await page.getByRole('button', { name: 'Start on 2 nodes' }).click();
  await page.waitForURL(/\/task\/\d+/);
  const id = Number(/\/task\/(\d+)/.exec(page.url())?.[1]);
  const { data: plan } = await api.call<{ select: object }>(`/task/${id}/plan`, undefined, 'GET');
  t.strictSame(plan.select, { labels: 'zone=a', limit: 2, order: 'label:canary' });
  await page.goto(`${console}task/${id}?tab=plan`);
  await page.getByText('Its nodes were selected when it was made:').waitFor();
  t.strictSame(
    faults.filter((fault) => !/status of 400/.test(fault)),
    [],
  );
  await close();
});

t.test('a pool gives labels to nodes that enter it', async (t) => {
  const { page, faults, close } = await openPage(browser, `${console}pool/${poolId}?tab=settings`);
  await page.getByRole('button', { name: 'Edit' }).first().click();
  const edit = page.getByRole('dialog');
  await edit.getByRole('textbox', { name: 'Labels of new nodes' }).fill('tier=back zone=z');
  await edit.getByRole('button', { name: 'Save' }).click();
  await edit.waitFor({ state: 'detached' });
  await page.getByText('tier=back zone=z').waitFor();
  const [id] = await api.ok<number[]>(`/pool/${poolId}/add_nodes`, {
    nodes: ['198.51.100.77'],
    labels: { zone: 'y' },
  });
  t.strictSame(await labelsOf(id), { tier: 'back', zone: 'y' });
  t.strictSame(faults, []);
  await close();
});

for (const opening of openings()) {
  t.test(`what has labels looks right: ${JSON.stringify(opening)}`, async (t) => {
    for (const path of [
      'nodes?labels=zone',
      `node/${nodeIds[0]}`,
      `tasks/new?template=${greet}&labels=zone%3Da&pool=${poolId}`,
    ]) {
      const { page, faults, close } = await openPage(browser, console + path, opening);
      await page.getByText('zone').first().waitFor();
      await looksRight(t, page, faults, path);
      await close();
    }
  });
}
