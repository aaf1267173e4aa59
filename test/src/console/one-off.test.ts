import type { Page } from 'playwright-core';
import t from 'tap';
import { Fleet, loopbackNodes } from '../support/fleet.js';
import { startRig } from '../support/rig.js';
import { createToken } from '../support/tokens.js';
import { looksRight, type Opening, openings, openPage, startBrowser } from './browser.js';

/* A one-off command from the pages of a pool and of nodes, what the nodes printed, and an ended task once more. */

const rig = await startRig({ executors: 1, fastDatabase: true, env: { gateway: { RIGEL_ACCESS: 'on' } } });
const browser = await startBrowser();
t.teardown(async () => {
  await browser.close();
  await rig.stop();
});
const { databaseUrl, httpUrl } = rig.stack;
const [ann, bob, ci] = await Promise.all([
  createToken(databaseUrl, 'ann', 'admin'),
  createToken(databaseUrl, 'bob', 'operator'),
  createToken(databaseUrl, 'ci', 'viewer', '--may-run'),
]);
const api = rig.client(`Bearer ${ann.token}`);
const fleet = new Fleet(api);
const nodes = loopbackNodes(6, rig.sshd.port);
const { poolId } = await fleet.pool(nodes);
const pictures = process.env.RIGEL_TEST_PICTURES;

const open = (path: string, opening: Opening = {}, { token } = ann) =>
  openPage(browser, `${httpUrl}/console/${path}`, { ...opening, token });

async function picture(page: Page, name: string): Promise<void> {
  if (pictures) await page.screenshot({ path: `${pictures}/one-off-${name}.png` });
}

const planned = (page: Page) =>
  page
    .getByRole('status')
    .filter({ hasText: /(plan|计划) [0-9a-f]{8} ✓/ })
    .first()
    .waitFor();

const script = `case "$SSH_CONNECTION" in *" ${nodes[5]?.split(':')[0]} "*) echo "no space"; exit 3;; esac; echo '{{all}} well'`;

t.test('a token that may run: from the pool to what its nodes printed', async (t) => {
  for (const opening of openings()) {
    const { page, faults, close } = await open(`pool/${poolId}`, { language: 'en' }, ci);
    await page.getByRole('button', { name: 'Run a command…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Command or script').fill(script);
    await planned(page);
    await picture(page, 'plan');
    await looksRight(t, page, faults, 'the dialog');
    await dialog.getByRole('button', { name: 'Run on 6 nodes' }).click();
    await page.waitForURL(/\/task\/\d+\?tab=output/);
    await page.getByText('The step has ended on 6 of 6 nodes, with 2 results.').waitFor({ timeout: 20_000 });
    const groups = page.getByRole('region', { name: 'Equal results together' }).getByRole('listitem');
    t.match(await groups.first().textContent(), /5 nodes[\s\S]*\{\{all\}\} well/);
    await page.getByText('exit status 3').first().waitFor();
    await picture(page, 'results');
    await looksRight(t, page, faults, 'the results');
    await page.getByRole('tab', { name: 'Plan' }).click();
    await page.getByText('run', { exact: true }).first().waitFor();
    t.equal(await page.getByRole('link', { name: /template/ }).count(), 0, 'it has no template');
    await close();
    const { page: other, faults: found, close: end } = await open(`pool/${poolId}`, opening);
    await other.getByRole('button', { name: /Run a command…|执行命令…/ }).click();
    await other
      .getByRole('dialog')
      .getByLabel(/Command or script|命令或脚本/)
      .fill('uptime');
    await planned(other);
    await picture(other, `plan-${opening.theme}-${opening.width ?? 1440}`);
    await looksRight(t, other, found, JSON.stringify(opening));
    await end();
  }
});

t.test('who may not run commands sees why', async (t) => {
  const { page, close } = await open(`pool/${poolId}`, {}, bob);
  const button = page.getByRole('button', { name: 'Run a command…' });
  t.equal(
    await button.getAttribute('title'),
    'This needs the role admin, or a token that may run commands; you are operator.',
  );
  await button.click({ force: true });
  t.equal(await page.getByRole('dialog').count(), 0);
  await close();
});

t.test('from chosen nodes; and an ended task runs again on those that failed', async (t) => {
  const { page, faults, close } = await open('nodes');
  await page.getByText(nodes[0] as string).waitFor();
  await page.getByRole('button', { name: 'Select all 6 that match' }).click();
  await page.getByRole('button', { name: 'Run a command…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Run a command on 6 nodes' });
  await dialog.getByLabel('Command or script').fill(script);
  await dialog.getByLabel('Seconds that it may take on a node').fill('0');
  await dialog.getByText('Must be a whole number of seconds, 1 to 86,400.').waitFor();
  await dialog.getByLabel('Seconds that it may take on a node').fill('30');
  await dialog.getByRole('button', { name: 'Run on 6 nodes' }).click();
  await page.waitForURL(/\/task\/\d+\?tab=output/);
  const [, id] = /task\/(\d+)/.exec(page.url()) ?? [];
  await page.getByRole('button', { name: 'Run again…' }).click({ timeout: 20_000 });
  const again = page.getByRole('dialog', { name: `Run task ${id} again` });
  await again.getByText('Those that failed (1)').waitFor();
  await planned(page);
  await picture(page, 'again');
  await looksRight(t, page, faults, 'running again');
  await again.getByRole('button', { name: 'Run again on 1 node' }).click();
  await page.waitForURL((url) => /task\/\d+$/.test(url.pathname) && !url.pathname.endsWith(`/${id}`));
  await page.getByRole('link', { name: `task ${id} again` }).waitFor();
  t.match(await page.locator('main').textContent(), /one-off command/);
  await close();
});
