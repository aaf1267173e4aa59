/// <reference lib="dom" />
import t from 'tap';
import { loopbackNodes } from '../support/fleet.js';
import { startRig } from '../support/rig.js';
import { axeFindings, looksRight, openings, openPage, startBrowser } from './browser.js';

/* The panel of one node's run, its output, the search over all nodes, and the slider over a task's past. */

const rig = await startRig({ executors: 1, fastDatabase: true });
const browser = await startBrowser();
t.teardown(async () => {
  await browser.close();
  await rig.stop();
});
const console = `${rig.stack.httpUrl}/console/`;

const addresses = loopbackNodes(6, rig.sshd.port);
const { nodeIds } = await rig.fleet.pool(addresses);
const script = [
  'printf "\\033[31mred\\033[0m <script>window.evil = 1</script><img src=x onerror=alert(1)>\\n"',
  'printf "\\033]8;;http://evil.example/x\\007press\\033]8;;\\007 nul:\\000 cr:a\\rb bad:\\377\\n"',
  'head -c 1000000 /dev/zero | tr "\\0" x',
  'echo',
  'for i in $(seq 1 3000); do echo "line $i"; done',
  'set -- $SSH_CONNECTION; case $3 in *[135]) echo "no space left on device"; exit 1;; esac',
].join('\n');
const template = await rig.fleet.template({ print: { command: script, script: true, retry: 1 } });
const task = await rig.fleet.startTask(template, addresses, { max_num: 2, max_fail_num: 6 });
await rig.fleet.ended(task, 120_000);
const failed = (await rig.api.detail(task)).find(({ state }) => state === 3);
const node = failed?.node_id ?? nodeIds[0];
const page_ = `${console}task/${task}?node=${node}`;

t.test(
  'the panel tells attempts, receipt and output, in every theme and on a phone; nothing printed acts',
  async (t) => {
    for (const opening of openings()) {
      const { page, faults, close } = await openPage(browser, page_, opening);
      const output = page.getByRole('log');
      await output.getByText('no space left on device').waitFor();
      t.match(await page.locator('dl').first().textContent(), /-s0-a2/);
      t.ok((await page.locator('*').count()) < 5_000, 'few elements');
      await looksRight(t, page, faults, JSON.stringify(opening));
      await close();
    }
  },
);

t.test('output is searched on the server, and hits are gone to from the end', async (t) => {
  const { page, faults, close } = await openPage(browser, `${page_}&attempt=1.1&wide=yes`);
  const output = page.getByRole('log');
  await output.getByText('no space left on device').waitFor();
  t.equal(await output.getByText('line 17', { exact: true }).count(), 0, 'the beginning is not loaded');
  const find = page.getByRole('searchbox', { name: 'Find in all of the output' });
  await find.fill('line 17');
  await page.getByText(/112 of 112 lines|111 of 111 lines/).waitFor();
  await page.getByRole('button', { name: 'Next match' }).click();
  await output.getByText('line 17', { exact: true }).waitFor();
  await find.fill('press');
  await output.getByText('press ⟨http://evil.example/x⟩ nul:␀ cr:a␍b bad:\ufffd').waitFor();
  await output.getByText('<script>window.evil = 1</script><img src=x onerror=alert(1)>').waitFor();
  t.equal(await page.evaluate(() => (globalThis as unknown as { evil?: number }).evil), undefined);
  t.equal(await output.locator('a, img, script').count(), 0);
  t.equal(await output.locator('[data-colour="1"]').first().textContent(), 'red');
  await page.getByText('Regular expression').click();
  await find.fill('(a)\\1');
  await page.getByText(/references to groups/).waitFor();
  // The refusal is an answer, and the browser's console tells it.
  t.strictSame(
    faults.filter((fault) => !fault.includes('400')),
    [],
  );
  await close();
});

t.test('a link leads to a line', async (t) => {
  const { page, close } = await openPage(browser, `${page_}&line=1503`);
  await page.getByRole('log').locator('[data-chosen]').getByText('line 1500', { exact: true }).waitFor();
  await close();
  t.pass();
});

t.test('which nodes printed a line, by line', async (t) => {
  const { page, faults, close } = await openPage(browser, `${console}task/${task}?tab=output`);
  await page.getByRole('searchbox', { name: /printed a line/ }).fill('no space');
  await page.keyboard.press('Enter');
  await page.getByText('3 nodes').waitFor();
  t.match(page.url(), /find=no/);
  t.strictSame(await axeFindings(page), []);
  t.strictSame(faults, []);
  await close();
});

t.test(
  'the slider shows the task as it was, by keyboard too, and the address keeps the moment',
  async (t) => {
    const { page, faults, close } = await openPage(browser, `${console}task/${task}`);
    const slider = page.getByRole('slider', { name: 'Moment of the task' });
    await slider.focus();
    await page.keyboard.press('Home');
    await page.waitForURL(/at=v\d+/);
    await page.getByText('The page shows the task as it was then').waitFor();
    const version = Number(/at=v(\d+)/.exec(page.url())?.[1]);
    const answer = await fetch(`${rig.stack.httpUrl}/task/${task}/at?version=${version}`);
    const { data } = (await answer.json()) as { data: { stat: number[] } };
    const waiting = page.getByRole('listitem').filter({ hasText: /waiting$/ });
    await waiting
      .filter({ hasText: new RegExp(`^${data.stat[0]} `) })
      .first()
      .waitFor();
    await page.getByRole('button', { name: 'One event on' }).click();
    await page.waitForURL(new RegExp(`at=v${version + 1}`));
    t.strictSame(await axeFindings(page), []);
    await page.getByRole('button', { name: 'LIVE' }).click();
    await page.waitForURL((url) => !url.search.includes('at='));
    t.strictSame(faults, []);
    await close();
  },
);
